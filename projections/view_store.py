"""What keeps views of active chats: Redis, or JSON files where there is none."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from projections.active_chat import ActiveChat, Pause, Person
from projections.sink import Move
from schemas import codec
from schemas.value import Value

Chat = tuple[str, str]
"""Tenant and chat id."""

Stats = dict[str, bool | int | float]

VERSION: Final = 1  # of what is stored; another begins anew beside it, from the log
HOPS: Final = 8  # from a merged chat to the one that goes on; a person has few names
CHUNK: Final = 100  # views a call: beyond that a call only holds others up


class ViewsUnavailable(Exception):
    """The store cannot be reached."""


class Kept(Value, frozen=True, kw_only=True):
    """What outlives a view: the person, the last fact's number, who goes on, the pause."""

    seq: int
    person: Person
    last_activity: datetime
    merged_into: str | None = None
    pause: Pause | None = None


class Views(Protocol):
    """For readers; every call is counted in the store, so that all processes add up."""

    async def get(self, tenant: str, chat_id: str) -> ActiveChat | None:
        """The view of the chat, or of the one that goes on for it, None if it is not active.

        Raises `ViewsUnavailable`.
        """

    async def active(self, tenant: str, limit: int = 50) -> list[ActiveChat]:
        """The tenant's active chats, the latest first; raises `ViewsUnavailable`."""

    async def stats(self) -> Stats:
        """Whether it can be reached, operations, hits, misses, their ratio, errors, chats."""


class ViewStore(Protocol):
    """For the one writer. Raises `SinkUnavailable`; `Fenced` where it says so."""

    async def load(self, chats: Sequence[Chat]) -> list[ActiveChat | None]:
        """What is known of each chat; of one that is not active, only the person."""

    async def save(self, views: Sequence[ActiveChat], now: datetime, move: Move | None) -> None:
        """Write up to `CHUNK` views that are newer than what is there, and move; or `Fenced`."""

    async def position(self, topic: str, partition: int) -> int | None:
        """The stored position; None if there is none or the store was emptied."""


def is_active(view: ActiveChat, lifetime: timedelta, now: datetime) -> bool:
    """Whether the view is still to be shown."""
    return view.merged_into is None and view.last_activity + lifetime > now


def kept(view: ActiveChat) -> Kept:
    """The part of the view that stays."""
    return Kept(
        seq=view.seq,
        person=view.person,
        last_activity=view.last_activity,
        merged_into=view.merged_into,
        pause=view.pause,
    )


def resting(chat: Chat, rest: Kept) -> ActiveChat:
    """A chat that is not active, as it is taken up again."""
    tenant, chat_id = chat
    return ActiveChat(
        tenant=tenant,
        chat_id=chat_id,
        seq=rest.seq,
        last_activity=rest.last_activity,
        person=rest.person,
        merged_into=rest.merged_into,
        pause=rest.pause,
    )


def read_kept(data: bytes) -> Kept:
    """The inverse of writing it as JSON."""
    return codec.decode(Kept, data)


def read_view(data: bytes) -> ActiveChat:
    """The inverse of writing it as JSON."""
    return codec.decode(ActiveChat, data)


def told(
    *, reachable: bool, operations: int, hits: int, misses: int, errors: int, active_chats: int
) -> Stats:
    """The figures of `stats`; the ratio is that of all reads so far."""
    return {
        "reachable": reachable,
        "operations": operations,
        "hits": hits,
        "misses": misses,
        "hit_ratio": round(hits / (hits + misses), 3) if hits + misses else 0.0,
        "errors": errors,
        "active_chats": active_chats,
    }
