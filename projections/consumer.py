"""A projection's share of the log: the group shares out partitions, and nothing else."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from projections.bare_records import bare
from projections.partition import PartitionLoop, Reading, is_hopeless
from projections.sink import SinkUnavailable
from schemas.topics import MAX_MESSAGE_BYTES

T = TypeVar("T")
P = TypeVar("P")

log = logging.getLogger(__name__)

_FINISH_SECONDS: Final = 20.0  # for a batch in flight, before it is abandoned
_LEAVE_SECONDS: Final = 10.0
_WATCH_SECONDS: Final = 2.0
_RETRY_SECONDS: Final = 1.0
_GATHER_BYTES: Final = 256 * 1024  # a fetch waits for so much …
_GATHER_MILLISECONDS: Final = 250  # … or so long: a batch of few facts costs the store as much


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the log is.

    `instance` is the process's lasting name in the group: started again within the session
    time-out it has its partitions back at once, and the others do not notice.
    """

    bootstrap: str
    topic: str
    group: str
    instance: str | None = None
    session_timeout_ms: int = 10_000


class Consumer(Generic[T, P]):
    """One projection in this process; start more processes to share its partitions."""

    def __init__(self, reading: Reading[T, P], source: Source) -> None:
        self._reading = reading
        self._source = source
        self._crew: _Crew[T, P] | None = None
        self._waits_for = "its store"

    def unready(self) -> Sequence[str]:
        """Why it does not follow the log; empty if it does."""
        troubles = self._crew.troubles() if self._crew else [f"waits for {self._waits_for}"]
        return [f"projection {self._reading.projection} {trouble}" for trouble in troubles]

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the projection up to date until `stop`; raises what no repetition can mend."""
        await self._reach_store(stop)
        if stop.is_set():
            return
        self._waits_for = "Kafka"
        consumer = _consumer(self._source)
        crew = _Crew(self._reading, consumer)
        try:
            await consumer.start()
            bare(consumer)
            consumer.subscribe([self._source.topic], listener=crew)
            self._crew = crew
            await crew.work(self._source.topic, stop)
        finally:
            await crew.dismiss()
            with contextlib.suppress(TimeoutError):  # a broker that is away need not be told
                await asyncio.wait_for(consumer.stop(), _LEAVE_SECONDS)

    async def _reach_store(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                return await self._reading.sink.start()
            except SinkUnavailable as error:
                self._waits_for = f"its store: {error}"
                log.warning(
                    "projection %s waits for its store: %s", self._reading.projection, error
                )
                await _wait(_RETRY_SECONDS, stop)
        return None


def _consumer(source: Source) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=source.bootstrap,
        client_id=source.group,
        group_id=source.group,
        group_instance_id=source.instance,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        session_timeout_ms=source.session_timeout_ms,
        heartbeat_interval_ms=source.session_timeout_ms // 4,
        rebalance_timeout_ms=int(_FINISH_SECONDS * 1000) + 10_000,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        fetch_min_bytes=_GATHER_BYTES,
        fetch_max_wait_ms=_GATHER_MILLISECONDS,
    )


class _Crew(ConsumerRebalanceListener, Generic[T, P]):  # type: ignore[misc]  # aiokafka has no types
    """A loop for each partition that the group gives us."""

    def __init__(self, reading: Reading[T, P], consumer: AIOKafkaConsumer) -> None:
        self._reading = reading
        self._consumer = consumer
        self._loops: dict[asyncio.Task[None], PartitionLoop[T, P]] = {}
        self._is_assigned = False
        self._failed = asyncio.Event()
        self._failure: BaseException | None = None

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start a loop each; it finds its position itself, so that the group need not wait."""
        self._is_assigned = True
        for place in sorted(assigned):
            loop = PartitionLoop(self._reading, self._consumer, place)
            task = asyncio.create_task(loop.run(), name=f"{self._reading.projection} {place}")
            task.add_done_callback(self._ended)
            self._loops[task] = loop

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002  # all of them
        """Finish what is in flight before another instance begins."""
        self._is_assigned = False
        await self.dismiss()

    def troubles(self) -> list[str]:
        """Why partitions are not followed."""
        if not self._is_assigned:
            return ["waits for its partitions"]
        return [loop.trouble for loop in self._loops.values() if loop.trouble]

    async def work(self, topic: str, stop: asyncio.Event) -> None:
        """Until `stop`; raises what ended a loop, or the group's own failure.

        The poll for a partition that does not exist returns nothing; it raises the errors of
        the group even where there are more instances than partitions.
        """
        nowhere = TopicPartition(topic, -1)
        while not stop.is_set() and not self._failed.is_set():
            try:
                await self._consumer.getmany(nowhere, timeout_ms=0)
            except KafkaError as error:
                if is_hopeless(error):
                    raise
                log.warning("group trouble: %s: %r", self._reading.projection, error)
            await _wait(_WATCH_SECONDS, stop, self._failed)
        if self._failure is not None:
            raise self._failure

    async def dismiss(self) -> None:
        """Stop all loops; a batch that does not end in time is abandoned."""
        tasks = set(self._loops)
        for loop in self._loops.values():
            loop.stop()
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=_FINISH_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        self._loops.clear()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and self._failure is None:
            self._failure = error
            self._failed.set()


async def _wait(seconds: float, *events: asyncio.Event) -> None:
    """Until one of the events, or for so long."""
    waits = {asyncio.create_task(event.wait()) for event in events}
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
