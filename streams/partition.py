"""One partition of the inbox: restore, then decide batch after batch, each in a transaction."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from schemas.topics import Topics
from streams import metrics, wakeups
from streams.batch import Batch, Place, Policies
from streams.memory import PartitionMemory
from streams.parking import Route
from streams.restore import holds_any, restore
from streams.state import open_store
from streams.transactions import Limits, Transactor

LOG: Final = logging.getLogger(__name__)

GATHER_SECONDS: Final = 0.005  # for each input of a transaction …
LONGEST_GATHER_SECONDS: Final = 0.04  # … but no longer, until the next one begins
FULL_RECORDS: Final = 64  # so many share the price of a transaction well enough


def gathering(inputs: int) -> float:
    """Seconds from the beginning of a transaction of so many inputs to that of the next.

    A transaction costs the decider, Kafka and all who read what it wrote more than the inputs
    in it. Who comes alone is decided at once; the more come, the longer the next waits for
    others, until so many come that each pays little anyway.
    """
    if not 1 < inputs < FULL_RECORDS:
        return 0.0
    return min(inputs * GATHER_SECONDS, LONGEST_GATHER_SECONDS)


class LogGap(Exception):
    """The log no longer holds what the decider must decide next; the text says the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """What every partition of a decider is given."""

    bootstrap: str
    topics: Topics
    group: str
    instance: str
    folder: Path
    policies: Policies
    refresh_policies: Callable[[], Awaitable[None]]
    route: Route
    now: Callable[[], datetime]
    reach: Callable[[str], None]
    window: timedelta = timedelta(days=7)
    limits: Limits = field(default_factory=Limits)
    max_records: int = 1_000  # of a backlog; it takes a tenth of a second, in which others wait
    cached_chats: int = 50_000
    poll_ms: int = 200
    accept_gap: bool = False
    restart_seconds: float = 1.0
    fenced_seconds: float = 7.0


class Partition:
    """Decides one partition until it is told to stop."""

    def __init__(
        self, deciding: Deciding, consumer: AIOKafkaConsumer, place: TopicPartition
    ) -> None:
        self._given = deciding
        self._consumer = consumer
        self._place = place
        count = len(consumer.partitions_for_topic(place.topic) or ())
        self._here = Place(place.partition, count)
        self._stopping = asyncio.Event()
        self._stopped = asyncio.ensure_future(self._stopping.wait())
        self._restoring = True
        self._task = asyncio.create_task(self._run())
        self.position: int | None = None

    @property
    def task(self) -> "asyncio.Task[None]":
        """Ends when the partition is stopped, or raises what nobody foresaw."""
        return self._task

    @property
    def number(self) -> int:
        """Which partition it is."""
        return self._here.partition

    @property
    def ready(self) -> bool:
        """Whether the state is restored and inputs are being decided."""
        return not self._restoring

    async def stop(self) -> None:
        """Finish the batch at hand and close; a restore is broken off."""
        self._stopping.set()
        if self._restoring:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._live()
            except ProducerFenced:
                # Whoever fenced us has the partition. If the group still says it is ours when
                # a frozen member would have been thrown out, the broker ended a transaction.
                await self._pause("fenced", self._given.fenced_seconds)
            except (KafkaError, TimeoutError) as error:
                LOG.warning("partition %s starts over: %r", self._place.partition, error)
                await self._pause("broker", self._given.restart_seconds)

    async def _pause(self, cause: str, seconds: float) -> None:
        metrics.RESTARTS.labels(cause).inc()
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _live(self) -> None:
        self._restoring, clean, memory = True, False, None
        transactor = self._transactor()
        try:
            async with asyncio.timeout(2 * self._given.limits.transaction_timeout_ms / 1000):
                await transactor.start()
            memory = await self._restored()
            self._restoring = False
            await self._decide(transactor, memory)
            clean = True
        finally:
            await transactor.stop()
            if memory is not None:
                memory.close(clean=clean)

    def _transactor(self) -> Transactor:
        given, partition = self._given, self._place.partition
        owner = f"{given.group}-{given.topics.inbox}-{partition}"
        return Transactor(given.bootstrap, owner, given.limits)

    async def _restored(self) -> PartitionMemory:
        given, partition = self._given, self._place.partition
        with metrics.RESTORE.time():
            store, start = open_store(given.folder / str(partition), given.window)
            try:
                offsets = await restore(store, given.bootstrap, given.topics, partition, start)
                memory = PartitionMemory(store, offsets, given.cached_chats)
                self.position = await self._start(memory.position)
            except BaseException:
                store.abandon()
                raise
        self._consumer.seek(self._place, self.position)
        return memory

    async def _start(self, position: int | None) -> int:
        first = await self._first(self._place)
        if position is None:
            await self._refuse_forgotten_state()
            return first
        if position >= first or self._given.accept_gap:
            return max(position, first)
        raise LogGap(
            f"{self._place.topic}[{self._place.partition}] begins at {first}, but {position} is to "
            "be decided next: inputs have expired undecided. Raise the topic's retention; "
            "CHATFOLD_ACCEPT_GAP=true goes on without them."
        )

    async def _refuse_forgotten_state(self) -> None:
        events = TopicPartition(self._given.topics.events, self._place.partition)
        if not self._given.accept_gap and await holds_any(self._given.bootstrap, events):
            raise LogGap(
                f"{self._given.topics.chat_state}[{events.partition}] is empty although "
                f"{events.topic} has facts: deciding from the beginning would double them. "
                "Restore the topic; CHATFOLD_ACCEPT_GAP=true decides all inputs again."
            )

    async def _first(self, place: TopicPartition) -> int:
        return int((await self._consumer.beginning_offsets([place]))[place])

    async def _decide(self, transactor: Transactor, memory: PartitionMemory) -> None:
        clock, gathered = asyncio.get_running_loop().time, 0.0
        while not self._stopping.is_set():
            await self._gather(gathered - clock())
            records = await self._poll()
            gathered = clock() + gathering(len(records))
            batch = self._batch(memory)
            batch.read(records)
            if batch.unknown_tenants():
                await self._given.refresh_policies()
            batch.decide()
            wakeups.add(batch, memory, self._given.now(), self._given.route)
            if records or batch.outputs:
                await self._commit(transactor, memory, batch, records)
            self._measure(records, memory)

    async def _gather(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.wait([self._stopped], timeout=seconds)

    async def _poll(self) -> Sequence[ConsumerRecord]:
        # While the group is being re-formed getmany waits for the new assignment, which
        # waits for us to stop: so it must not be waited for once we are to stop.
        polling = asyncio.ensure_future(
            self._consumer.getmany(
                self._place, timeout_ms=self._given.poll_ms, max_records=self._given.max_records
            )
        )
        await asyncio.wait({polling, self._stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not polling.done():
            polling.cancel()
            return []
        return polling.result().get(self._place, [])  # type: ignore[no-any-return]  # untyped

    def _batch(self, memory: PartitionMemory) -> Batch:
        given = self._given
        return Batch(given.topics, self._here, given.policies, memory, given.window)

    async def _commit(
        self,
        transactor: Transactor,
        memory: PartitionMemory,
        batch: Batch,
        records: Sequence[ConsumerRecord],
    ) -> None:
        position = records[-1].offset + 1 if records else self.position
        assert position is not None  # set by the restore
        changes = batch.finish(position)
        self._given.reach("decider.before_transaction")
        with metrics.TRANSACTION.time():
            ends = await transactor.commit(batch.outputs, self._given.reach)
        self._given.reach("decider.after_transaction")
        memory.keep(batch, changes, self._reached(memory, ends))
        batch.measure()
        self.position = position

    def _reached(self, memory: PartitionMemory, ends: dict[TopicPartition, int]) -> tuple[int, int]:
        values, seen = memory.offsets
        here, topics = self._here.partition, self._given.topics
        return (
            ends.get(TopicPartition(topics.chat_state, here), values),
            ends.get(TopicPartition(topics.seen, here), seen),
        )

    def _measure(self, records: Sequence[ConsumerRecord], memory: PartitionMemory) -> None:
        label = str(self._place.partition)
        metrics.CHATS.labels(label).set(len(memory.alarms))
        metrics.PARKED.labels(label).set(len(memory.parked))
        metrics.WAITING.labels(label).set(sum(map(len, memory.waiting.values())))
        end = self._consumer.last_stable_offset(self._place) if records else None
        behind = max(0, end - (self.position or 0)) if end is not None else 0
        metrics.LAG.labels(label).set(behind)
        age = self._given.now().timestamp() - records[-1].timestamp / 1000 if behind else 0.0
        metrics.LAG_SECONDS.labels(label).set(max(0.0, age))
        if records:
            metrics.BATCH.observe(len(records))
