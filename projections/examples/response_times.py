"""How long people wait: for the first response in a conversation, and for each reply."""

from collections.abc import Iterable
from typing import Final

from projections.rows import Columns, Write
from projections.tables import Table
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact, MessageReceived, MessageSent, ReplyGenerated

NAME: Final = "response_times"
VERSION: Final = 1
HANDLES: Final = frozenset[type]({MessageReceived, ReplyGenerated, MessageSent})

SQL: Final = """
CREATE TABLE IF NOT EXISTS first_responses (
    conversation_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    chat_id uuid NOT NULL,
    asked_at timestamptz,
    answered_at timestamptz,
    answered_by text,
    last_seq bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS reply_waits (
    reply_id uuid PRIMARY KEY,
    tenant_id text NOT NULL,
    chat_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    sent_at timestamptz,
    last_seq bigint NOT NULL
);
"""

FIRST_RESPONSES: Final = Table(
    name="first_responses",
    key={"conversation_id": "uuid"},
    columns={
        "tenant_id": "text",
        "chat_id": "uuid",
        "asked_at": "timestamptz",
        "answered_at": "timestamptz",
        "answered_by": "text",
    },
    kept=frozenset({"asked_at", "answered_at", "answered_by"}),
)
REPLY_WAITS: Final = Table(
    name="reply_waits",
    key={"reply_id": "uuid"},
    columns={
        "tenant_id": "text",
        "chat_id": "uuid",
        "received_at": "timestamptz",
        "sent_at": "timestamptz",
    },
    kept=frozenset({"sent_at"}),
)
TABLES: Final = (FIRST_RESPONSES, REPLY_WAITS)


def apply(recorded: Recorded[Fact]) -> Iterable[Write]:
    """The first time of each kind stays, whatever comes later."""
    match recorded.data:
        case MessageReceived(origin=Origin.USER) as fact:
            yield _talk(recorded, fact.conversation_id, {"asked_at": recorded.time})
        case MessageReceived() as fact:
            yield _talk(recorded, fact.conversation_id, _answered(recorded, fact.origin))
        case ReplyGenerated() as fact:
            yield _talk(recorded, fact.conversation_id, _answered(recorded, fact.origin))
            told: Columns = {**_whose(recorded), "received_at": fact.received_at}
            yield Write("reply_waits", (fact.reply_id,), recorded.sequence, told, {})
        case MessageSent() as fact:
            sent: Columns = {"sent_at": fact.finished_at}
            yield Write("reply_waits", (fact.reply_id,), recorded.sequence, kept=sent)
        case _:
            pass  # the projector gives us what is in HANDLES


def _talk(recorded: Recorded[Fact], conversation_id: str, first: Columns) -> Write:
    whose = _whose(recorded)
    key = (conversation_id,)
    return Write("first_responses", key, recorded.sequence, whose, {}, kept=first)


def _answered(recorded: Recorded[Fact], origin: Origin) -> Columns:
    return {"answered_at": recorded.time, "answered_by": origin.value}


def _whose(recorded: Recorded[Fact]) -> Columns:
    return {"tenant_id": recorded.tenant, "chat_id": recorded.chat_id}
