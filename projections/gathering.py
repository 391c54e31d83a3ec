"""Batches of several partitions gathered into one: the more facts, the fewer rows for each.

What fills tables needs no row to be seen at once: a chat that a hundred facts change is written
once instead of with each batch. A write that was gathered counts as done for whoever reads on;
what a failure throws away is read again from the stored position.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Generic, TypeVar

from projections.filling import Filling, FillingSink
from projections.rows import Write
from projections.sink import Fenced, Move, Parked, Unwritable

T = TypeVar("T")

log = logging.getLogger(__name__)

Place = tuple[str, int]
"""Topic and partition."""

MOST_ROWS: Final = 100_000  # some 70 MB, those that are being written included
LONGEST_SECONDS: Final = 3.0  # what a kill may cost, and how often progress is seen


@dataclass(frozen=True, slots=True)
class Changes:
    """What a batch writes, not folded yet, and what of it waits."""

    writes: Sequence[Write]
    parked: Sequence[Parked] = ()


@dataclass(slots=True)
class _Gathered:
    """What one transaction writes: rows, the step of each partition, and what waits."""

    since: float
    filling: Filling
    moves: dict[Place, Move] = field(default_factory=dict)
    parked: dict[Place, list[Parked]] = field(default_factory=dict)

    def add(self, changes: Changes, move: Move) -> None:
        place = _place(move)
        before = self.moves.get(place)
        if before is not None and before.end != move.begin:
            raise Fenced(f"{move} does not follow {before}")
        self.filling.add(changes.writes)
        self.moves[place] = move if before is None else _joined(before, move)
        self.parked.setdefault(place, []).extend(changes.parked)

    def is_due(self, most_rows: int) -> bool:
        is_old = time.monotonic() - self.since >= LONGEST_SECONDS
        return is_old or self.filling.rows >= most_rows

    @property
    def steps(self) -> list[tuple[Move, Sequence[Parked]]]:
        return [(move, self.parked[place]) for place, move in self.moves.items()]


class GatheringSink(Generic[T]):
    """Gathers for seconds; at its end in `ends` a partition is written with all that is there."""

    def __init__(
        self, sink: FillingSink[T], ends: Mapping[Place, int], *, most_rows: int = MOST_ROWS
    ) -> None:
        self._sink = sink
        self._ends = ends
        self._most_rows = most_rows
        self._gathered: _Gathered | None = None
        self._turn = asyncio.Lock()
        self._lost: set[Place] = set()
        self._apart: dict[Place, int] = {}

    async def start(self) -> None:
        """As the tables."""
        await self._sink.start()

    async def position(self, topic: str, partition: int) -> int | None:
        """What is stored, with what was gathered; whoever asks reads on from there."""
        place = (topic, partition)
        async with self._turn:
            if self._gathered is not None and place in self._gathered.moves:
                await self._write_gathered()
            stored = await self._sink.position(topic, partition)
            self._lost.discard(place)
        return stored

    async def confirm(self, topic: str, partition: int, position: int | None) -> None:
        """As the tables."""
        await self._sink.confirm(topic, partition, position)

    def prepare(self, batch: Sequence[T]) -> Changes:
        """The writes as they are: they are folded with those of other batches."""
        return Changes(self._sink.writes(batch))

    async def waiting(self, topic: str, partition: int) -> frozenset[bytes]:
        """As the tables."""
        return await self._sink.waiting(topic, partition)

    def parking(self, prepared: Changes, parked: Sequence[Parked]) -> Changes:
        """The same batch, and what waits from then on."""
        return replace(prepared, parked=parked)

    async def write(self, prepared: Changes, move: Move) -> None:
        """Gather; write all if it is time to, or if nothing more comes of the partition."""
        place = _place(move)
        if place in self._lost:
            raise Fenced(f"{move}: what was gathered before it is not written")
        if place in self._apart:
            return await self._write_apart(prepared, move)
        if self._gathered is None:
            self._gathered = _Gathered(time.monotonic(), self._sink.filling())
        self._gathered.add(prepared, move)
        if self._gathered.is_due(self._most_rows) or move.end >= self._ends[place]:
            await self._write_with_all(place)
        return None

    async def flush(self) -> None:
        """Write what is gathered."""
        async with self._turn:
            if self._gathered is not None:
                await self._write_gathered()

    async def _write_with_all(self, place: Place) -> None:
        """While we wait for our turn others may write what we have gathered, or lose it."""
        async with self._turn:
            if place in self._lost:
                raise Fenced(f"{place}: what was gathered is not written")
            if self._gathered is not None and place in self._gathered.moves:
                await self._write_gathered()

    async def _write_gathered(self) -> None:
        gathered, self._gathered = self._gathered, None
        assert gathered is not None  # as those who call have seen
        try:
            batch = self._sink.batch(gathered.filling)
            await self._sink.write_steps(batch, gathered.steps)
        except Unwritable as error:
            log.warning("what cannot be written together is written batch by batch: %s", error)
            self._apart |= {place: move.end for place, move in gathered.moves.items()}
            self._lose(gathered)
            raise Fenced("written batch by batch from here") from error
        except BaseException:
            self._lose(gathered)
            raise

    def _lose(self, gathered: _Gathered) -> None:
        """Whoever has gathered since then must read again too."""
        later, self._gathered = self._gathered, None
        self._lost.update(gathered.moves, later.moves if later else ())

    async def _write_apart(self, prepared: Changes, move: Move) -> None:
        """In a batch of its own it is settled what cannot be written, and what waits for it."""
        batch = self._sink.parking(self._sink.batch_of(prepared.writes), prepared.parked)
        await self._sink.write(batch, move)
        if move.end >= self._apart[_place(move)]:
            del self._apart[_place(move)]


def _place(move: Move) -> Place:
    return move.topic, move.partition


def _joined(first: Move, then: Move) -> Move:
    return Move(topic=then.topic, partition=then.partition, begin=first.begin, end=then.end)
