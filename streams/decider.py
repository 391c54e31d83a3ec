"""The decider role: takes the partitions it is given, decides each, gives them back in order."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownError,
)

from schemas.topics import MAX_MESSAGE_BYTES
from streams.partition import Deciding, Partition

LOG: Final = logging.getLogger(__name__)
COMMIT_SECONDS: Final = 1.0
SESSION_MS: Final = 6_000
HEARTBEAT_MS: Final = 1_000


def is_hopeless(error: BaseException) -> bool:
    """Whether Kafka's error is one that no repetition mends.

    A bare `KafkaError` is how aiokafka tells that its own group task has died, `UnknownError`
    that another process goes by our instance's name.
    """
    return type(error) is KafkaError or isinstance(
        error, UnknownError | GroupAuthorizationFailedError | TopicAuthorizationFailedError
    )


class Decider(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Decides the inbox until `run` is told to stop."""

    def __init__(self, deciding: Deciding) -> None:
        self._given = deciding
        self._partitions: dict[TopicPartition, Partition] = {}
        self._changed = asyncio.Event()
        self._joined = False
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=deciding.bootstrap,
            group_id=deciding.group,
            group_instance_id=deciding.instance,  # a restart takes its partitions back at once
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_partition_fetch_bytes=2 * MAX_MESSAGE_BYTES,
            retry_backoff_ms=20,
        )

    def unready(self) -> list[str]:
        """Why this decider is not deciding all that it was given; nothing when it is."""
        if not self._consumer.assignment() and not self._joined:
            return ["no partitions yet: the group is being formed"]
        waiting = [p.number for p in self._partitions.values() if not p.ready]
        return [f"partition {number} is being restored" for number in waiting]

    async def run(self, stop: asyncio.Event) -> None:
        """Decide until `stop`; raises what no restart of a partition can mend."""
        self._consumer.subscribe([self._given.topics.inbox], listener=self)
        await self._consumer.start()
        try:
            await self._watch(stop)
        finally:
            await self.on_partitions_revoked(list(self._partitions))
            await self._consumer.stop()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Begin with the partitions that were given to us."""
        self._joined = True
        for place in assigned:
            self._partitions[place] = Partition(self._given, self._consumer, place)
        self._changed.set()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish with the partitions that are taken from us, before anybody else begins."""
        ending = [self._partitions.pop(place) for place in revoked if place in self._partitions]
        await asyncio.gather(*(partition.stop() for partition in ending))
        self._changed.set()

    async def _watch(self, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._wait(stopped)
                self._raise_failures()
                await self._raise_group_failure()
                await self._hint()
        finally:
            stopped.cancel()

    async def _wait(self, stopped: "asyncio.Task[bool]") -> None:
        self._changed.clear()
        changed = asyncio.create_task(self._changed.wait())
        tasks = [partition.task for partition in self._partitions.values()]
        await asyncio.wait(
            [stopped, changed, *tasks],
            timeout=COMMIT_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        changed.cancel()

    def _raise_failures(self) -> None:
        for partition in self._partitions.values():
            if partition.task.done() and not partition.task.cancelled():
                partition.task.result()

    async def _raise_group_failure(self) -> None:
        """Hear of the group's death even without a partition: polling for none tells it."""
        nowhere = TopicPartition(self._given.topics.inbox, -1)
        polling = asyncio.ensure_future(self._consumer.getmany(nowhere, timeout_ms=0))
        await asyncio.wait([polling], timeout=COMMIT_SECONDS)
        if not polling.done():
            polling.cancel()  # the group is being formed
        elif (error := polling.exception()) is not None and is_hopeless(error):
            raise error

    async def _hint(self) -> None:
        """Commit positions to the group; nothing reads them but the lag tools."""
        reached = {
            place: partition.position
            for place, partition in self._partitions.items()
            if partition.ready and partition.position is not None
        }
        if not reached:
            return
        try:
            await self._consumer.commit(reached)
        except KafkaError as error:
            LOG.info("positions were not committed to the group: %r", error)
