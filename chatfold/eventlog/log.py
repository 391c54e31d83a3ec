"""Appends records by group commit: whoever waits shares the broker's next acknowledgement."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Final

from aiokafka.errors import KafkaError

from chatfold.eventlog import metrics
from chatfold.eventlog.courier import Courier
from chatfold.eventlog.errors import AppendFailed, KafkaUnreachable, Overloaded, RecordTooLarge
from chatfold.eventlog.lanes import MAX_RECORD_BYTES, Batch, Call, Done, Lane, size_of
from chatfold.eventlog.partitioning import partition_of
from chatfold.eventlog.producer import LastingProducer
from schemas.envelope import Record

SWEEP_SECONDS: Final = 0.1  # by so much a time-out can be late; cheaper than a timer per call


class EventLog:
    """Appends to any topic; what it acknowledges is in the log of all in-sync replicas.

    Each partition has one batch under way and one that fills up meanwhile, so that no linger
    is needed. The bytes that wait are bounded by `max_pending_bytes`.
    """

    def __init__(self, bootstrap: str, *, max_pending_bytes: int) -> None:
        self.pending_bytes = 0
        self._bootstrap = bootstrap
        self._max_pending_bytes = max_pending_bytes
        self._lanes: dict[str, list[Lane]] = {}
        self._couriers: dict[int | None, Courier] = {}
        self._unsettled: set[Batch] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._stopping = False
        self._drained = asyncio.Event()

    async def start(self) -> None:
        """Connect; raises `KafkaUnreachable`."""
        self._loop = asyncio.get_running_loop()
        self._producer = LastingProducer(self._bootstrap)
        await self._producer.start()
        metrics.PENDING.set_function(lambda: self.pending_bytes)

    async def stop(self, timeout: float = 10.0) -> None:
        """Refuse new records, wait for those under way, disconnect."""
        self._stopping = True
        if self._unsettled:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._drained.wait(), timeout)
        await self._producer.stop()
        if self._sweep:
            self._sweep.cancel()

    async def prepare(self, topic: str, timeout: float) -> None:
        """Learn the partitions of `topic` before the first append; raises `AppendFailed`."""
        if topic in self._lanes:
            return
        try:
            count = await asyncio.wait_for(self._producer.partitions_of(topic), timeout)
        except (KafkaError, TimeoutError) as error:
            raise AppendFailed(f"the partitions of {topic} are unknown: {error!r}") from None
        self._lanes.setdefault(topic, [Lane(topic, number) for number in range(count)])

    async def reach(self, timeout: float) -> None:
        """Return if Kafka answers in time; raises `KafkaUnreachable`."""
        try:
            await asyncio.wait_for(self._producer.reach(), timeout)
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnreachable(self._bootstrap, error or "no answer in time") from None

    async def append(self, topic: str, records: Sequence[Record], timeout: float) -> None:
        """Return once all `records` are acknowledged; raises `AppendFailed` if they are not.

        Records of one key keep their order. After a failure some of the records may be in
        the log, now or later; after `Overloaded` and `RecordTooLarge` none is.
        """
        if topic not in self._lanes:
            await self.prepare(topic, timeout)
        future: asyncio.Future[str | None] = self._loop.create_future()
        call = self.offer(topic, records, timeout, partial(_resolve, future))
        try:
            refusal = await future
        finally:
            call.done = None  # if it was cancelled, nobody waits any more
        if refusal is not None:
            raise AppendFailed(refusal)

    def offer(self, topic: str, records: Sequence[Record], timeout: float, done: Done) -> Call:
        """As `append`, for a topic that is prepared; `done` is told the outcome, once, later.

        Raises `AppendFailed` if nothing was taken.
        """
        lanes = self._lanes.get(topic)
        if lanes is None:
            raise AppendFailed(f"the partitions of {topic} are not known yet")
        self._admit(records)
        call = Call(self._loop.time() + timeout, done)
        try:
            for record in records:
                self._place(lanes[partition_of(record.key, len(lanes))], record, call)
        except Exception:
            call.done = None  # whoever gets the exception is not told again
            raise
        if not records:
            self._loop.call_soon(call.tell, None)
        return call

    def _admit(self, records: Sequence[Record]) -> None:
        if self._stopping:
            raise AppendFailed("the log is being closed")
        wanted = self.pending_bytes
        for record in records:
            size = size_of(record)
            if size > MAX_RECORD_BYTES:
                raise RecordTooLarge(f"a record of {size} bytes; {MAX_RECORD_BYTES} are allowed")
            wanted += size
        if wanted > self._max_pending_bytes and self.pending_bytes:
            raise Overloaded(f"{self.pending_bytes} bytes wait for Kafka already")

    def _place(self, lane: Lane, record: Record, call: Call) -> None:
        self.pending_bytes += size_of(record)
        if lane.waiting and lane.waiting[-1].add(record, call):
            return
        batch = Batch(self._producer.create_batch())
        batch.add(record, call)
        self._unsettled.add(batch)
        lane.waiting.append(batch)
        if self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP_SECONDS, self._expire)
        self._enlist(lane)

    def _enlist(self, lane: Lane) -> None:
        if lane.listed or lane.under_way:
            return
        leader = self._producer.leader_of(lane.topic, lane.partition)
        if leader not in self._couriers:
            self._couriers[leader] = Courier(self._producer, self._settle)
        self._couriers[leader].enlist(lane)

    def _settle(self, lane: Lane, batch: Batch, refusal: str | None) -> None:
        self.pending_bytes -= batch.size
        self._unsettled.discard(batch)
        if self._stopping and not self._unsettled:
            self._drained.set()
        lane.under_way = None
        if lane.waiting:
            self._enlist(lane)
        batch.settle(refusal)

    def _expire(self) -> None:
        now = self._loop.time()
        for batch in tuple(self._unsettled):
            batch.expire(now)
        again = self._loop.call_later(SWEEP_SECONDS, self._expire) if self._unsettled else None
        self._sweep = again


def _resolve(future: asyncio.Future[str | None], refusal: str | None) -> None:
    if not future.done():  # it may have been cancelled just now
        future.set_result(refusal)
