"""A stretch of the log read to its end, by nobody's group: what a rebuild does, and catching up."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from projections.bare_records import bare
from projections.partition import PartitionLoop, Reading, Span
from projections.sink import ProjectionRefused, SinkUnavailable

T = TypeVar("T")
P = TypeVar("P")

log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 1.0
_LOOK_MILLISECONDS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The offsets that a topic holds, by partition: the first, and the end."""

    first: Mapping[int, int]
    end: Mapping[int, int]


class Opens(Protocol):
    """Makes a consumer of nobody's group, as aiokafka's, to be started."""

    def __call__(self, *topics: str) -> AIOKafkaConsumer:
        """One that has all partitions of the topics, or none yet where none are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A topic, and what reads it from where its log begins: in Kafka, or in an archive of it."""

    topic: str
    opens: Opens


async def held(place: Place) -> Held:
    """What the topic holds by now."""
    async with _consumer(place, place.topic) as consumer:
        places = consumer.assignment()
        first = await consumer.beginning_offsets(places)
        end = await consumer.end_offsets(places)
    return Held(
        first={one.partition: offset for one, offset in first.items()},
        end={one.partition: offset for one, offset in end.items()},
    )


async def since(place: Place, moment: datetime) -> Mapping[int, int]:
    """For each partition the offset of the first record appended then or later."""
    async with _consumer(place, place.topic) as consumer:
        places = consumer.assignment()
        milliseconds = int(moment.timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(places, milliseconds))
        end = await consumer.end_offsets(places)
    return {one.partition: found[one].offset if found[one] else end[one] for one in places}


async def first_times(place: Place, offsets: Mapping[int, int]) -> list[float]:
    """When the first records from these offsets on were appended, in seconds since 1970.

    A partition that has only marks of transactions there is left out.
    """
    if not offsets:
        return []
    async with _consumer(place) as consumer:
        places = {TopicPartition(place.topic, part): at for part, at in offsets.items()}
        consumer.assign(list(places))
        for one, offset in places.items():
            consumer.seek(one, offset)
        found = [
            await consumer.getmany(one, timeout_ms=_LOOK_MILLISECONDS, max_records=1)
            for one in places
        ]
    return [records[0].timestamp / 1000 for told in found for records in told.values() if records]


class Stretch(Generic[T, P]):
    """Reads each partition's span to its end, all at once."""

    def __init__(self, reading: Reading[T, P], place: Place, spans: Mapping[int, Span]) -> None:
        self._reading = reading
        self._place = place
        self._spans = spans
        self._loops: Sequence[PartitionLoop[T, P]] = ()

    async def read(self, stop: asyncio.Event) -> None:
        """Until the end of all, or `stop`; raises what no repetition can mend."""
        if not self._spans:
            return
        await self._reach_store(stop)
        async with _consumer(self._place) as consumer:
            places = [TopicPartition(self._place.topic, number) for number in self._spans]
            consumer.assign(places)
            self._loops = [
                PartitionLoop(self._reading, consumer, one, self._spans[one.partition])
                for one in places
            ]
            await self._run(stop)

    async def _reach_store(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                return await self._reading.sink.start()
            except SinkUnavailable as error:
                log.warning("%s waits for its store: %s", self._reading.projection, error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)
        return None

    async def _run(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(self._stop_when(stop))
        try:
            async with asyncio.TaskGroup() as group:
                for loop in self._loops:
                    group.create_task(loop.run())
        except* ProjectionRefused as refused:
            raise refused.exceptions[0] from None
        finally:
            stopping.cancel()

    async def _stop_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        for loop in self._loops:
            loop.stop()


@contextlib.asynccontextmanager
async def _consumer(place: Place, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
    """One without a group; with `topics` it has all their partitions."""
    consumer = place.opens(*topics)
    try:
        try:
            await consumer.start()
        except UnknownTopicOrPartitionError:
            raise ProjectionRefused(
                f"Topic {place.topic} does not exist: run `chatfold topics apply`."
            ) from None
        bare(consumer)
        yield consumer
    finally:
        await consumer.stop()
