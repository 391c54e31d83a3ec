"""Records to append, and what a topic holds afterwards."""

import asyncio
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

from chatfold.reading import FETCH_WAIT_MS
from schemas.envelope import Record


def chat(number: int) -> bytes:
    """The key of the `number`-th chat."""
    return str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)).encode()


def record(number: int, *, chats: int = 7, size: int = 0) -> Record:
    """The `number`-th record, of one of `chats`."""
    value = b"%d" % number
    return Record(key=chat(number % chats), value=value.ljust(size), headers=[("ce_id", value)])


async def held(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """All that `topic` holds now, each partition in order."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=2**23,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    try:
        await consumer.start()
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[ConsumerRecord] = []
        async with asyncio.timeout(60):
            while [part for part, end in ends.items() if await consumer.position(part) < end]:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found.extend(records)
        return found
    finally:
        await consumer.stop()
