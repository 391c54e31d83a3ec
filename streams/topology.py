"""The pipeline as a table: who reads what, who writes what. Read this first.

    provider ─► gateway ─► inbox ─► decider ─► events ──► projector ─► PostgreSQL
                             ▲         │          └─────► views ─────► Redis or files
                             │         │                  archiver ──► archive (inbox too)
         operators ─► api ───┤         │
                timers ──────┤         ├─► work.delivery ─► delivery ─► provider
                results ─────┘         ├─► work.media ────► media ────► provider, files, models
                                       └─► work.reply ────► reply ────► models

`inbox` is where all meet, and anybody may have a dead letter; operators write `tenants`, by the
api or a command, and what they replay of the dead letters goes back where it came from. Every other
topic, table and key family has one writer.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.topics import Groups, Topics


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of process: the topics it reads and writes, and what else it alone writes.

    What it `shares` others write too, each under ids of its own.
    """

    name: str
    what: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    group: str | None = None


def roles(topics: Topics, groups: Groups) -> tuple[Role, ...]:
    """Every role of a deployment, in the order of a message's way."""
    return (
        Role(
            name="gateway",
            what="answers 200 once a webhook's items are in the log",
            reads=(topics.tenants,),
            writes=(topics.inbox,),
        ),
        Role(
            name="decider",
            what="turns each input, once, into facts and work orders",
            reads=(topics.inbox, topics.tenants, topics.chat_state, topics.seen),
            writes=(
                topics.events,
                topics.work_delivery,
                topics.work_reply,
                topics.work_media,
                topics.chat_state,
                topics.seen,
                topics.dead_letters,
                topics.inbox,
            ),
            group=groups.decider,
        ),
        Role(
            name="delivery",
            what="sends a reply, at most once an attempt, and reports how it ended",
            reads=(topics.work_delivery, topics.tenants),
            writes=(topics.inbox, topics.dead_letters),
            owns=("limits",),
            shares=("effects",),
            group=groups.delivery,
        ),
        Role(
            name="reply",
            what="asks the tenant's model for answers, and finds what handlers ask for",
            reads=(topics.work_reply, topics.tenants),
            writes=(topics.inbox, topics.dead_letters),
            shares=("effects",),
            group=groups.reply,
        ),
        Role(
            name="media",
            what="fetches and stores the files of messages, and has them read",
            reads=(topics.work_media, topics.tenants),
            writes=(topics.inbox, topics.dead_letters),
            owns=("files",),
            shares=("effects",),
            group=groups.media,
        ),
        Role(
            name="projector",
            what="folds facts into tables, rows and offsets in one transaction",
            reads=(topics.events, topics.tenants),
            writes=(topics.dead_letters,),
            owns=("tables",),
            group=groups.projection("tables"),
        ),
        Role(
            name="views",
            what="folds facts into the views of active conversations",
            reads=(topics.events,),
            writes=(topics.dead_letters,),
            owns=("views",),
            group=groups.projection("views"),
        ),
        Role(
            name="archiver",
            what="copies the log to the archive, in compressed segments with an index",
            reads=(topics.inbox, topics.events),
            owns=("archive",),
            group=groups.archiver,
        ),
        Role(
            name="api",
            what="tells operators how all stands, and takes what they want done",
            reads=(topics.tenants,),
            writes=(topics.inbox, topics.tenants),
        ),
    )


PORTS: Final = MappingProxyType(
    {
        "gateway": 18080,
        "decider": 18081,
        "delivery": 18082,
        "reply": 18083,
        "projector": 18084,
        "views": 18085,
        "api": 18086,
        "media": 18087,
        "archiver": 18088,
    }
)
