"""Bringing a partition's store up to its changelogs before anything is decided."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas.topics import Topics
from streams import seen
from streams.state import Changes, ChatStore

LOG: Final = logging.getLogger(__name__)
CHUNK: Final = 5_000
POLL_MS: Final = 500

Offsets = tuple[int, int]


async def restore(
    store: ChatStore, bootstrap: str, topics: Topics, partition: int, start: Offsets | None
) -> Offsets:
    """Read what the store lacks from the changelogs; the offsets it then holds (values, seen)."""
    values_from, seen_from = start or (0, 0)
    values_end = await _replay(
        bootstrap, TopicPartition(topics.chat_state, partition), values_from, store, _values
    )
    seen_end = await _replay(
        bootstrap, TopicPartition(topics.seen, partition), seen_from, store, _seen
    )
    return values_end, seen_end


async def holds_any(bootstrap: str, place: TopicPartition) -> bool:
    """Whether the partition has a committed record; what was aborted does not count."""
    async with _reading(bootstrap, place) as (consumer, end):
        async for records in _until(consumer, place, end):
            if records:
                return True
    return False


async def _replay(
    bootstrap: str,
    place: TopicPartition,
    start: int,
    store: ChatStore,
    read: Callable[[list[ConsumerRecord]], Changes],
) -> int:
    async with _reading(bootstrap, place, start) as (consumer, end):
        async for records in _until(consumer, place, end):
            store.apply(read(records))
    return end


@asynccontextmanager
async def _reading(
    bootstrap: str, place: TopicPartition, start: int = 0
) -> AsyncIterator[tuple[AIOKafkaConsumer, int]]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    try:
        await consumer.start()
        end = (await consumer.end_offsets([place]))[place]  # before a fetch is under way, as the
        first = (await consumer.beginning_offsets([place]))[place]  # answer would wait for it
        consumer.assign([place])
        consumer.seek(place, max(start, first))
        yield consumer, end
    finally:
        await consumer.stop()


async def _until(
    consumer: AIOKafkaConsumer, place: TopicPartition, end: int
) -> AsyncIterator[list[ConsumerRecord]]:
    while await consumer.position(place) < end:
        polled = await consumer.getmany(place, timeout_ms=POLL_MS, max_records=CHUNK)
        yield polled.get(place, [])


def _values(records: list[ConsumerRecord]) -> Changes:
    return Changes({record.key: record.value for record in records}, {})


def _seen(records: list[ConsumerRecord]) -> Changes:
    return Changes({}, seen.read(records))
