"""What keeps views of active chats: Redis, or JSON files where there is none."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from projections.active_chat import ActiveChat, Pause, Person
from projections.parked_facts import PoisonFact
from projections.sink import Move, Parked, Unwritable, Waiters
from schemas import codec
from schemas.value import Value

T = TypeVar("T")

Chat = tuple[str, str]
"""Tenant and chat id."""

Stats = dict[str, bool | int | float]

NAME: Final = "views"
VERSION: Final = 2  # of what is stored; another begins anew beside it, from the log
HOPS: Final = 8  # from a merged chat to the one that goes on; a person has few names
CHUNK: Final = 100  # views a call: beyond that a call only holds others up
LATE: Final = timedelta(hours=1)  # a writer may be so far behind before it finds less than it left


class ViewsUnavailable(Exception):
    """The store cannot be reached."""


class Kept(Value, frozen=True, kw_only=True):
    """What outlives a view: the person, the last fact's number, who goes on, the pause."""

    seq: int
    person: Person
    last_activity: datetime
    merged_into: str | None = None
    pause: Pause | None = None


class Waiting(Value, frozen=True, kw_only=True):
    """A fact that waits, as it is kept."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    parked_at: datetime
    reason: str | None = None
    stack: str = ""

    def parked(self) -> Parked:
        """The fact."""
        return Parked(
            offset=self.offset,
            timestamp=self.timestamp,
            key=self.key,
            value=self.value,
            headers=self.headers,
            reason=self.reason,
            stack=self.stack,
        )


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
    """One build, for its one writer.

    Raises `SinkUnavailable`; `Fenced` where it says so, and whenever a build that was opened as the
    live one is not the live one any more.
    """

    async def load(self, chats: Sequence[Chat]) -> list[ActiveChat | None]:
        """What is known of each chat; of one that was silent for long, only the person."""

    async def save(
        self,
        views: Sequence[ActiveChat],
        now: datetime,
        move: Move | None,
        parked: Sequence[Parked] = (),
    ) -> None:
        """Write up to `CHUNK` views that are newer than what is there, and move; or `Fenced`.

        From the same step on `parked` wait, which only come with one: `Fenced` too if one is to
        wait behind a key of which nothing waits any more. `Unwritable` if a view cannot be kept.
        """

    async def position(self, topic: str, partition: int) -> int | None:
        """The stored position; None if there is none or the store was emptied."""

    async def waiting(self, topic: str, partition: int) -> frozenset[bytes]:
        """The keys whose facts wait."""

    async def first(self, waiters: Waiters, limit: int) -> list[Parked]:
        """The first of them, in the order of the log."""

    async def take_up(
        self,
        views: Sequence[ActiveChat],
        now: datetime,
        waiters: Waiters,
        offsets: Sequence[int],
    ) -> None:
        """Write the views and let the first of them go, which are these; or `Fenced`."""

    async def blame(self, waiters: Waiters, offset: int, reason: str, stack: str) -> None:
        """Name the first of them as the one that cannot be folded, if it still is the first."""

    async def poison(self) -> list[PoisonFact]:
        """The facts that others wait behind, or could."""


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


def of_topic(positions: Mapping[str, int], topic: str) -> dict[int, int]:
    """Of positions by topic and partition those of one topic, by partition."""
    places = ((place.rpartition("/"), at) for place, at in positions.items())
    return {int(partition): at for (of, _, partition), at in places if of == topic}


def is_active(view: ActiveChat, lifetime: timedelta, now: datetime) -> bool:
    """Whether the view is still to be shown."""
    return view.merged_into is None and view.last_activity + lifetime > now


def stored(view: ActiveChat) -> tuple[bytes, bytes]:
    """What stays, and the view as it is kept; empty for a chat that another goes on for.

    Raises `Unwritable`.
    """
    try:
        shown = b"" if view.merged_into is not None else codec.dumps(view)
        return codec.dumps(kept(view)), shown
    except (TypeError, ValueError, OverflowError) as error:
        raise Unwritable(f"the view of {view.chat_id} cannot be written: {error!r}") from error


def waiting(one: Parked, now: datetime) -> Waiting:
    """The fact as it is kept from now on."""
    return Waiting(
        offset=one.offset,
        timestamp=one.timestamp,
        key=one.key,
        value=one.value,
        headers=list(one.headers),
        parked_at=now,
        reason=one.reason,
        stack=one.stack,
    )


def poison(topic: str, partition: int, first: Waiting, behind: int) -> PoisonFact:
    """The first of those that wait, and how many are behind it."""
    return PoisonFact(
        projection=NAME,
        topic=topic,
        partition=partition,
        offset=first.offset,
        key=first.key,
        reason=first.reason or "",
        parked_at=first.parked_at,
        behind=behind,
    )


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
