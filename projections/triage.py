"""Which of a batch's facts become rows, and which wait; nothing else lets the position move on."""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from aiokafka import TopicPartition

from projections import metrics
from projections.registry import LogRecord
from projections.sink import DeadLetters, Move, Parked, ProjectionRefused, Sink, Unwritable
from schemas.codec import Undecodable
from schemas.dead_letters import dead_letter
from schemas.envelope import Position, Record

T = TypeVar("T")
P = TypeVar("P")

log = logging.getLogger(__name__)

_SLICE: Final = 500  # records to decode before others have their turn: some 10 ms
_TOLERATED: Final = 10  # facts that cannot be folded, however few there were …
_RATIO: Final = 0.01  # … and of those that were read: beyond both it is not the facts' fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted(Generic[P]):
    """A batch ready to be written: what becomes rows, what waits, and when that was settled."""

    prepared: P
    records: Sequence[LogRecord]
    parked: Sequence[Parked]
    epoch: int


class Triage(Generic[T, P]):
    """Sorts the records of one partition; without dead letters it refuses what cannot be folded."""

    def __init__(
        self,
        projection: str,
        place: TopicPartition,
        decode: Callable[[LogRecord], T],
        sink: Sink[T, P],
        dead_letters: DeadLetters[P] | None,
    ) -> None:
        self._projection = projection
        self._place = place
        self._decode = decode
        self._sink = sink
        self._dead_letters = dead_letters
        self._waiting: frozenset[bytes] = frozenset()
        self._epoch = 0
        self._passed = 0
        self._poisonous = 0

    async def load(self) -> None:
        """Learn which keys wait; called whenever the stored position is read."""
        if self._dead_letters is not None:
            found = await self._dead_letters.store.waiting(*self._place)
            self._wait_for(found)

    async def sort(self, records: Sequence[LogRecord]) -> Sorted[P]:
        """The records as rows to be, and those that wait."""
        waiting = set(self._waiting)
        facts: list[T] = []
        parked: list[Parked] = []
        for start in range(0, len(records), _SLICE):
            facts += self._taken(records[start : start + _SLICE], waiting, parked)
            await asyncio.sleep(0)
        return self._sorted(records, facts, parked)

    async def settled(self, batch: Sorted[P]) -> Sorted[P]:
        """The batch, sorted anew if another key has begun to wait since."""
        return batch if batch.epoch == self._epoch else await self.sort(batch.records)

    async def write(self, batch: Sorted[P], move: Move) -> None:
        """Write and move; what the store refuses is found by halves, and waits."""
        try:
            await self._store(batch, move)
        except Unwritable as error:
            if self._dead_letters is None or len(batch.parked) == len(batch.records):
                raise
            await self._apart(batch.records, move, error)

    async def _apart(self, records: Sequence[LogRecord], move: Move, error: Unwritable) -> None:
        if len(records) == 1:
            poison = _poison(records[0], str(error), "")
            await self._store(self._batch((), records, [poison]), move)
            return
        half, begin = len(records) // 2, move.begin
        for part in (records[:half], records[half:]):
            end = move.end if part[-1] is records[-1] else part[-1].offset + 1
            step = Move(topic=move.topic, partition=move.partition, begin=begin, end=end)
            await self.write(await self.sort(part), step)
            begin = end

    async def _store(self, batch: Sorted[P], move: Move) -> None:
        prepared = batch.prepared
        if batch.parked:
            prepared = await self._bury(prepared, batch)
        await self._sink.write(prepared, move)
        self._passed += len(batch.records)
        if batch.parked:
            self._wait_for(self._waiting.union(one.key for one in batch.parked))

    async def _bury(self, prepared: P, batch: Sorted[P]) -> P:
        """Tell people before the position moves: a crash between tells them twice, never not."""
        assert self._dead_letters is not None  # without them nothing is parked
        poison = [one for one in batch.parked if one.reason is not None]
        self._refuse_flood(len(poison), len(batch.records))
        for one in poison:
            await self._dead_letters.bury(_letter(one, self._projection, self._place))
            log.error("dead letter: %s %s: %s", self._projection, _at(one, self._place), one.reason)
        self._poisonous += len(poison)
        metrics.DEAD_LETTERS.labels(self._projection).inc(len(poison))
        return self._dead_letters.store.parking(prepared, batch.parked)

    def _refuse_flood(self, more: int, records: int) -> None:
        found = self._poisonous + more
        if found > max(_TOLERATED, _RATIO * (self._passed + records)):
            raise ProjectionRefused(
                f"Projection {self._projection} cannot fold {found} of the {self._passed + records}"
                f" facts that it has read from {self._place.topic}/{self._place.partition}: that is"
                " not a poison fact but a defect of the projection, or of what it writes to."
                " Nothing more was skipped. `chatfold dead-letters list` shows the reasons; mend"
                " it, start this role again, then run `chatfold dead-letters replay --all`."
            )

    def _taken(
        self, records: Sequence[LogRecord], waiting: set[bytes], parked: list[Parked]
    ) -> list[T]:
        """The facts of all records but those that wait, which are added to `parked`."""
        if not waiting:
            with contextlib.suppress(Undecodable):  # one by one it shows which
                return [self._decode(record) for record in records]
        taken: list[T] = []
        for record in records:
            found = self._behind(record, waiting) or self._decoded(record, waiting)
            parked.append(found) if isinstance(found, Parked) else taken.append(found)
        return taken

    def _behind(self, record: LogRecord, waiting: set[bytes]) -> Parked | None:
        key = record.key or b""
        return _parked(record) if key in waiting else None

    def _decoded(self, record: LogRecord, waiting: set[bytes]) -> T | Parked:
        try:
            return self._decode(record)
        except Undecodable as error:
            if self._dead_letters is None:
                raise self._unreadable(record, error) from error
            waiting.add(record.key or b"")
            return _poison(record, str(error), "")

    def _sorted(
        self, records: Sequence[LogRecord], facts: Sequence[T], parked: list[Parked]
    ) -> Sorted[P]:
        try:
            return self._batch(facts, records, parked)
        except Exception:  # a fold may raise anything; one that does must not stop other chats
            if self._dead_letters is None:
                raise
            return self._sorted_apart(records, facts, parked)

    def _sorted_apart(
        self, records: Sequence[LogRecord], facts: Sequence[T], parked: list[Parked]
    ) -> Sorted[P]:
        """One fact at a time, to find those that no fold takes."""
        waiting = {one.offset for one in parked}
        taken = [record for record in records if record.offset not in waiting]
        poisoned: set[bytes] = set()
        good: list[T] = []
        for record, fact in zip(taken, facts, strict=True):
            found = self._behind(record, poisoned) or self._refused(record, fact)
            if found is None:
                good.append(fact)
            else:
                poisoned.add(found.key)
                parked.append(found)
        return self._batch(good, records, sorted(parked, key=lambda one: one.offset))

    def _refused(self, record: LogRecord, fact: T) -> Parked | None:
        try:
            self._sink.prepare([fact])
        except Exception as error:  # noqa: BLE001  # as above
            return _poison(record, repr(error), traceback.format_exc())
        return None

    def _batch(
        self, facts: Sequence[T], records: Sequence[LogRecord], parked: Sequence[Parked]
    ) -> Sorted[P]:
        if len(facts) + len(parked) != len(records):
            raise AssertionError(
                f"{self._projection} {self._place}: {len(records)} records, but {len(facts)} facts"
                f" for rows and {len(parked)} that wait: the position would pass the rest"
            )
        prepared = self._sink.prepare(facts)
        return Sorted(prepared=prepared, records=records, parked=parked, epoch=self._epoch)

    def _wait_for(self, keys: frozenset[bytes]) -> None:
        if keys != self._waiting:
            self._waiting, self._epoch = keys, self._epoch + 1
        metrics.WAITING.labels(self._projection, str(self._place.partition)).set(len(keys))

    def _unreadable(self, record: LogRecord, error: Undecodable) -> ProjectionRefused:
        return ProjectionRefused(
            f"Projection {self._projection} cannot read {self._place.topic}/{self._place.partition}"
            f" offset {record.offset}: {error}. Nothing was skipped. If a newer version of Chatfold"
            " wrote it, upgrade this role."
        )


def _parked(record: LogRecord) -> Parked:
    return _poison(record, None, "")


def _poison(record: LogRecord, reason: str | None, stack: str) -> Parked:
    return Parked(
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key or b"",
        value=record.value,
        headers=list(record.headers),
        reason=reason,
        stack=stack,
    )


def _letter(one: Parked, projection: str, place: TopicPartition) -> Record:
    return dead_letter(
        key=one.key,
        value=one.value,
        headers=one.headers,
        origin=Position(place.topic, place.partition, one.offset),
        reason=one.reason or "",
        stack=one.stack,
        projection=projection,
    )


def _at(one: Parked, place: TopicPartition) -> str:
    return f"{place.topic}/{place.partition}/{one.offset}"
