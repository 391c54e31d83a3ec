"""Where a projection's rows and its position go, always together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)
P = TypeVar("P")


class Fenced(Exception):
    """The stored position is not the one we began from: another has written, or it was lost."""


class SinkUnavailable(Exception):
    """The store cannot be reached or gave up; the outcome of the write is not known."""


class ProjectionRefused(Exception):
    """The projection must not run; the text says why and what to do."""


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
