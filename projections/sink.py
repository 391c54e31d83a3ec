"""Where a projection's rows and its position go, always together."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from schemas.envelope import Record

T_contra = TypeVar("T_contra", contravariant=True)
P = TypeVar("P")

Bury = Callable[[Record], Awaitable[None]]
"""Returns once the dead letter is in the log; raises `SinkUnavailable`."""


class Fenced(Exception):
    """The stored position is not the one we began from: another has written, or it was lost."""


class SinkUnavailable(Exception):
    """The store cannot be reached or gave up; the outcome of the write is not known."""


class ProjectionRefused(Exception):
    """The projection must not run; the text says why and what to do."""


class Unwritable(ProjectionRefused):
    """The store takes all but something that the batch holds: a part of it can be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A record whose fact is not in the store, and waits there; `timestamp` in milliseconds.

    `reason` says why it cannot be folded, None if it only waits behind one of its key that cannot.
    """

    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    reason: str | None = None
    stack: str = ""


@dataclass(frozen=True, slots=True)
class Waiters:
    """The facts of one key of a partition that wait."""

    topic: str
    partition: int
    key: bytes

    @property
    def place(self) -> str:
        """Their partition, as text."""
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """The step that a batch takes: from the position it began at to the one behind it.

    `begin` is None where no position is stored yet.
    """

    topic: str
    partition: int
    begin: int | None
    end: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition} from {self.begin} to {self.end}"


class Sink(Protocol[T_contra, P]):
    """A store that takes a batch and its step as one.

    After `Fenced` or `SinkUnavailable` the caller asks for the position again and goes on
    from there; any other exception means that the batch itself cannot be written.
    """

    async def start(self) -> None:
        """Check that the store is fit; raises `ProjectionRefused` or `SinkUnavailable`."""

    async def position(self, topic: str, partition: int) -> int | None:
        """The offset of the first record that is not in the store; raises `SinkUnavailable`."""

    async def confirm(self, topic: str, partition: int, position: int | None) -> None:
        """Called while nothing comes: raise `Fenced` if the stored position is another one."""

    def prepare(self, batch: Sequence[T_contra]) -> P:
        """What `write` needs, without touching the store."""

    async def write(self, prepared: P, move: Move) -> None:
        """Write all of it and move, or nothing; raises `Fenced` or `SinkUnavailable`."""


class Parking(Protocol[P]):
    """A store in which facts can wait that are not in it yet."""

    async def waiting(self, topic: str, partition: int) -> frozenset[bytes]:
        """The keys whose facts wait; raises `SinkUnavailable`."""

    def parking(self, prepared: P, parked: Sequence[Parked]) -> P:
        """The same, and `parked` are to wait from the same step on.

        `write` then raises `Fenced` if one waits behind a key of which nothing waits any more.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters(Generic[P]):
    """Where facts go that cannot be folded: to `bury` for people, to `store` to wait."""

    store: Parking[P]
    bury: Bury
