"""Appends records by group commit: whoever waits shares the broker's next acknowledgement."""

import asyncio
import logging
import time
from collections.abc import Sequence

from aiokafka.errors import KafkaError

from chatfold.eventlog import metrics
from chatfold.eventlog.errors import AppendFailed, KafkaUnreachable, Overloaded, RecordTooLarge
from chatfold.eventlog.lanes import MAX_RECORD_BYTES, Batch, Lane, Waiter, size_of
from chatfold.eventlog.partitioning import partition_of
from chatfold.eventlog.producer import LastingProducer
from schemas.envelope import Record

logger = logging.getLogger(__name__)


class EventLog:
    """Appends to any topic; what it acknowledges is in the log of all in-sync replicas.

    Each partition has one batch under way and one that fills up meanwhile, so that no timer
    and no linger is needed. The bytes that wait are bounded by `max_pending_bytes`.
    """

    def __init__(self, bootstrap: str, *, max_pending_bytes: int) -> None:
        self.pending_bytes = 0
        self._bootstrap = bootstrap
        self._max_pending_bytes = max_pending_bytes
        self._lanes: dict[str, list[Lane]] = {}
        self._stopping = False

    async def start(self) -> None:
        """Connect; raises `KafkaUnreachable`."""
        self._loop = asyncio.get_running_loop()
        self._producer = LastingProducer(self._bootstrap)
        await self._producer.start()
        metrics.PENDING.set_function(lambda: self.pending_bytes)

    async def stop(self, timeout: float = 10.0) -> None:
        """Refuse new records, wait for those under way, disconnect."""
        self._stopping = True
        busy = [lane.task for lanes in self._lanes.values() for lane in lanes if lane.task]
        if busy:
            _, late = await asyncio.wait(busy, timeout=timeout)
            for task in late:
                task.cancel()
        await self._producer.stop()

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
        self._admit(records)
        waiters: list[Waiter] = []
        for record in records:
            self._place(self._lane_of(topic, record.key), record, waiters)
        await self._acknowledged(waiters, timeout)

    def _lane_of(self, topic: str, key: bytes) -> Lane:
        lanes = self._lanes[topic]
        return lanes[partition_of(key, len(lanes))]

    def _admit(self, records: Sequence[Record]) -> None:
        if self._stopping:
            raise AppendFailed("the log is being closed")
        sizes = [size_of(record) for record in records]
        if max(sizes, default=0) > MAX_RECORD_BYTES:
            raise RecordTooLarge(f"a record of {max(sizes)} bytes; {MAX_RECORD_BYTES} are allowed")
        if self.pending_bytes and self.pending_bytes + sum(sizes) > self._max_pending_bytes:
            raise Overloaded(f"{self.pending_bytes} bytes wait for Kafka already")

    def _place(self, lane: Lane, record: Record, waiters: list[Waiter]) -> None:
        batch = lane.waiting[-1] if lane.waiting else self._open(lane)
        if not batch.add(record):
            batch = self._open(lane)
            batch.add(record)
        self.pending_bytes += size_of(record)
        if batch.last_call is not waiters:
            batch.last_call = waiters
            waiter = self._loop.create_future()
            batch.waiters.append(waiter)
            waiters.append(waiter)

    def _open(self, lane: Lane) -> Batch:
        batch = Batch(self._producer.create_batch())
        lane.waiting.append(batch)
        if lane.task is None:
            self._drive(lane)
        return batch

    async def _acknowledged(self, waiters: list[Waiter], timeout: float) -> None:
        expiry = self._loop.call_later(timeout, _expire, waiters, timeout)
        try:
            for waiter in waiters:
                refusal = await waiter
                if refusal is not None:
                    raise AppendFailed(refusal)
        finally:
            expiry.cancel()
            for waiter in waiters:
                waiter.cancel()  # nobody waits any more; does nothing to what is settled

    def _drive(self, lane: Lane) -> None:
        lane.task = self._loop.create_task(self._drain(lane))
        lane.task.add_done_callback(lambda task: self._driven(lane, task))

    def _driven(self, lane: Lane, task: asyncio.Task[None]) -> None:
        lane.task = None
        if not task.cancelled() and (bug := task.exception()):
            logger.error("appending to %s failed", lane.topic, exc_info=bug)
        if lane.waiting and not self._stopping:
            self._drive(lane)

    async def _drain(self, lane: Lane) -> None:
        while lane.waiting:
            batch = lane.waiting.popleft()
            refusal: str | None = "appending was interrupted"
            try:
                refusal = await self._deliver(lane, batch)
            finally:
                self.pending_bytes -= batch.size
                batch.settle(refusal)

    async def _deliver(self, lane: Lane, batch: Batch) -> str | None:
        if batch.is_abandoned():
            metrics.ABANDONED_BATCHES.inc()
            return "abandoned"
        began = time.perf_counter()
        records = batch.builder.record_count()
        refusal = await self._producer.deliver(batch.builder, lane.topic, lane.partition)
        metrics.BATCH_RECORDS.observe(records)
        if refusal is None:
            metrics.APPEND_SECONDS.observe(time.perf_counter() - began)
        else:
            metrics.FAILED_BATCHES.inc()
        return refusal


def _expire(waiters: Sequence[Waiter], timeout: float) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(f"no acknowledgement from Kafka within {timeout:g} s")
