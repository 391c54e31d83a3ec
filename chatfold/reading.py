"""Reads a topic as it stands: from the beginning to what was its end when the reading began."""

from collections.abc import AsyncIterator, Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from chatfold.refusal import Refusal

CHUNK: Final = 2_000
POLL_MS: Final = 500
FETCH_WAIT_MS: Final = 10
"""All that is asked for is there already, and while the broker waits for more it answers nothing
else on the connection: with Kafka's 500 ms an empty partition cost a second.
"""


async def read(
    bootstrap: str, topic: str, partitions: Collection[int] | None = None
) -> AsyncIterator[ConsumerRecord]:
    """Every committed record of `partitions` (all by default), in order within each.

    Raises `Refusal` if there is no such topic.
    """
    await refuse_missing(bootstrap, topic)
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    try:
        await consumer.start()
        for place in sorted(consumer.assignment()):
            if partitions is None or place.partition in partitions:
                async for record in _one(consumer, place):
                    yield record
    finally:
        await consumer.stop()


async def refuse_missing(bootstrap: str, topic: str) -> None:
    """Raise `Refusal` if there is no such topic: a consumer of it would wait for ever."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        await consumer.start()
        known = await consumer.topics()
    finally:
        await consumer.stop()
    if topic not in known:
        raise Refusal(f"topic {topic} does not exist: run `chatfold topics apply`")


async def _one(consumer: AIOKafkaConsumer, place: TopicPartition) -> AsyncIterator[ConsumerRecord]:
    end = (await consumer.end_offsets([place]))[place]
    await consumer.seek_to_beginning(place)
    while await consumer.position(place) < end:
        polled = await consumer.getmany(place, timeout_ms=POLL_MS, max_records=CHUNK)
        for record in polled.get(place, ()):
            if record.offset < end:
                yield record
