"""One partition of a projection: read, decode, write, move on; always from where the store is."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnsupportedCodecError,
)

from projections import metrics
from projections.registry import LogRecord
from projections.sink import DeadLetters, Fenced, Move, ProjectionRefused, Sink, SinkUnavailable
from projections.triage import Sorted, Triage

T = TypeVar("T")
P = TypeVar("P")

log = logging.getLogger(__name__)

MAX_RECORDS: Final = 5000
_POLL_MILLISECONDS: Final = 500
_HINT_SECONDS: Final = 1.0
_BACKOFF_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_HOPELESS: Final = (
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnsupportedCodecError,
)
_REASONS: Final[dict[type[Exception], str]] = {Fenced: "fenced", SinkUnavailable: "unavailable"}


def is_hopeless(error: Exception) -> bool:
    """Whether Kafka's error is one that no repetition mends.

    A bare `KafkaError` is how aiokafka tells that its own group task has died, `UnknownError`
    that (for one) another process goes by our instance's name.
    """
    return type(error) is KafkaError or isinstance(error, _HOPELESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[T, P]):
    """What is read, how, and where it goes."""

    projection: str
    decode: Callable[[LogRecord], T]
    sink: Sink[T, P]
    clock: Callable[[], datetime]
    dead_letters: DeadLetters[P] | None = None
    """Where facts go that cannot be folded; without it they end the role."""
    tells_kafka: bool = True
    """Whether the position is committed to the group too, as a hint."""
    most_records: int = MAX_RECORDS
    """Of one batch."""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a partition that is read: `first` where nothing is stored, `until` left out."""

    first: int | None = None
    until: int | None = None

    def behind(self, offset: int) -> bool:
        """Whether what follows is not to be read."""
        return self.until is not None and offset >= self.until

    def cut(self, offset: int) -> int:
        """The offset, or where the span ends if that is nearer."""
        return offset if self.until is None else min(offset, self.until)


_ALL: Final = Span()


class PartitionLoop(Generic[T, P]):
    """Keeps the rows of one partition up to date until told to stop."""

    def __init__(
        self,
        reading: Reading[T, P],
        consumer: AIOKafkaConsumer,
        place: TopicPartition,
        span: Span = _ALL,
    ) -> None:
        self._reading = reading
        self._consumer = consumer
        self._place = place
        self._span = span
        self._stopping = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._triage = Triage(
            reading.projection, place, reading.decode, reading.sink, reading.dead_letters
        )
        self._gauges = metrics.PartitionGauges(reading.projection, place.partition, reading.clock)
        self._begun: int | None = None  # behind the last batch whose write was begun
        self._stored: int | None = None  # behind the last one that was written
        self._reached = 0  # behind the last record or mark that was read
        self._failures = 0
        self._next_hint = 0.0
        self.trouble: str | None = None
        """Why the partition is not followed at this moment."""

    def stop(self) -> None:
        """Let the batch in flight be finished, and no other begun."""
        self._stopping.set()

    async def run(self) -> None:
        """Read until stopped or at the span's end; raises what no repetition can mend."""
        try:
            while not self._stopping.is_set():
                try:
                    return await self._read_on()
                except (Fenced, SinkUnavailable, KafkaError) as error:
                    await self._abandon()
                    await self._recover_from(error)
        finally:
            await self._abandon()
            self._gauges.close()

    async def _read_on(self) -> None:
        """Write batch after batch; the next is decoded while the one before is written."""
        await self._seek()
        while not self._stopping.is_set() and not self._span.behind(self._reached):
            records = await self._poll()
            self._gauges.went_round()
            if records:
                batch = await self._triage.sort(records)
                await self._finish()
                self._begin(await self._triage.settled(batch))
            elif not self._stopping.is_set():
                await self._finish()
                await self._pass_gap()
            await self._hint()
        await self._finish()
        await self._hint(at_once=True)

    async def _seek(self) -> None:
        """Go to where the store is; a position that the log no longer holds is an error."""
        stored = await self._reading.sink.position(self._place.topic, self._place.partition)
        await self._triage.load()
        first = (await self._consumer.beginning_offsets([self._place]))[self._place]
        end = (await self._consumer.end_offsets([self._place]))[self._place]
        begin = (self._span.first or 0) if stored is None else stored
        if not first <= begin <= end:
            raise self._truncated(begin, f"holds offsets {first} to {end}")
        self._begun = self._stored = stored
        self._reached = begin
        self._consumer.seek(self._place, self._reached)
        self.trouble = None
        log.info("projection reads on: %s %s from %s", self._name, self._at, self._reached)

    async def _poll(self) -> Sequence[LogRecord]:
        """What has come by now, else nothing after a while; at once nothing when stopping.

        While a rebalance goes on `getmany` waits for its end, which waits for us: so it must
        give way to the order to stop.
        """
        polling = asyncio.ensure_future(
            self._consumer.getmany(
                self._place, timeout_ms=_POLL_MILLISECONDS, max_records=self._reading.most_records
            )
        )
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not polling.done():
                return ()
            found: dict[TopicPartition, list[LogRecord]] = polling.result()
            return self._within(found.get(self._place, []))
        finally:
            for task in (polling, stopping):
                task.cancel()

    def _within(self, records: Sequence[LogRecord]) -> Sequence[LogRecord]:
        if records and self._span.behind(records[-1].offset):
            return [one for one in records if not self._span.behind(one.offset)]
        return records

    def _begin(self, batch: Sorted[P]) -> None:
        """Start to write; the position moves over these records and no others."""
        records = batch.records
        if records[0].offset < self._reached:
            raise AssertionError(
                f"{self._at}: read {records[0].offset} again behind {self._reached}"
            )
        move = self._move(records[-1].offset + 1)
        self._gauges.writes(records[0].timestamp)
        self._writing = asyncio.create_task(self._write(batch, move))

    def _move(self, end: int) -> Move:
        move = Move(
            topic=self._place.topic, partition=self._place.partition, begin=self._begun, end=end
        )
        self._begun = self._reached = end
        return move

    async def _write(self, batch: Sorted[P], move: Move) -> None:
        began, records = time.perf_counter(), len(batch.records)
        await self._triage.write(batch, move)
        self._stored, self._failures, self.trouble = move.end, 0, None
        if records:
            metrics.FACTS.labels(self._name).inc(records)
            metrics.BATCH_RECORDS.labels(self._name).observe(records)
            metrics.BATCH_SECONDS.labels(self._name).observe(time.perf_counter() - began)
        self._gauges.stored(move.end, self._end_of_log())

    async def _pass_gap(self) -> None:
        """Move over the marks that transactions leave: what is read to its end has no lag."""
        place = (self._place.topic, self._place.partition)
        await self._reading.sink.confirm(*place, self._stored)
        reached = self._span.cut(await self._consumer.position(self._place))
        if reached > self._reached:
            await self._write(await self._triage.sort(()), self._move(reached))
        else:
            self._gauges.stored(reached, self._end_of_log())

    async def _finish(self) -> None:
        """Wait until the batch in flight is written."""
        if self._writing is not None:
            await self._writing
            self._writing = None

    async def _abandon(self) -> None:
        """Leave no write running; whether it was done the store will tell."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _hint(self, *, at_once: bool = False) -> None:
        """Tell Kafka too, for the tools that look there; nothing here reads it."""
        now = time.monotonic()
        if (
            self._stored is None
            or not self._reading.tells_kafka
            or (now < self._next_hint and not at_once)
        ):
            return
        self._next_hint = now + _HINT_SECONDS
        try:
            commit = self._consumer.commit({self._place: self._stored})
            await asyncio.wait_for(commit, _HINT_SECONDS)
        except (KafkaError, TimeoutError) as error:
            log.debug("hint not taken: %s %s: %s", self._name, self._at, error)

    async def _recover_from(self, error: Exception) -> None:
        """Wait a little before reading on from the stored position, or give up."""
        if isinstance(error, OffsetOutOfRangeError):
            raise self._truncated(self._reached, "does not hold that any more") from error
        if is_hopeless(error):
            raise error
        reason = _REASONS.get(type(error), "kafka")
        metrics.RESTARTS.labels(self._name, reason).inc()
        self.trouble = f"restarts at {self._at}: {reason}: {error}"
        log.warning("projection %s %s", self._name, self.trouble)
        seconds = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS) - 1)]
        self._failures += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _truncated(self, stored: int, found: str) -> ProjectionRefused:
        return ProjectionRefused(
            f"Projection {self._name} has stored {self._at} up to offset {stored}, but the log"
            f" {found}: records are missing, or this is another log. Nothing was skipped. Restore"
            " the log from its archive or backup, or build the projection anew beside this one from"
            " a log that is whole: `chatfold projections rebuild`, then `promote`."
        )

    def _end_of_log(self) -> int | None:
        if self._place not in self._consumer.assignment():
            return None
        end: int | None = self._consumer.last_stable_offset(self._place)
        return end

    @property
    def _name(self) -> str:
        return self._reading.projection

    @property
    def _at(self) -> str:
        return f"{self._place.topic}/{self._place.partition}"
