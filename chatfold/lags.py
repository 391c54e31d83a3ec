"""How far behind each consumer group is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from chatfold.reading import refuse_missing
from schemas.topics import Groups, Topics
from streams.topology import Role, roles

COORDINATOR_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Lag:
    """Records of `topic` that `role` has not dealt with, in all partitions."""

    role: str
    topic: str
    records: int


async def lags(bootstrap: str, prefix: str) -> list[Lag]:
    """The lag of every role that reads as a group, by the positions committed to Kafka.

    Positions are committed about once a second, so that a little lag means nothing; so do
    the markers of transactions, which count as records here.
    """
    await refuse_missing(bootstrap, Topics(prefix).inbox)
    async with _clients(bootstrap) as (admin, consumer):
        reading = [role for role in roles(Topics(prefix), Groups(prefix)) if role.group]
        return [await _lag(admin, consumer, role) for role in reading]


async def _lag(admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, role: Role) -> Lag:
    topic = role.reads[0]
    places = await _places(admin, topic)
    committed = await _committed(admin, role.group or "")
    first = await consumer.beginning_offsets(places)
    last = await consumer.end_offsets(places)
    reached = {place: committed[place].offset if place in committed else -1 for place in places}
    behind = sum(last[place] - max(reached[place], first[place]) for place in places)
    return Lag(role.name, topic, behind)


async def _places(admin: AIOKafkaAdminClient, topic: str) -> list[TopicPartition]:
    described = await admin.describe_topics([topic])
    return [TopicPartition(topic, one["partition"]) for one in described[0]["partitions"]]


async def _committed(
    admin: AIOKafkaAdminClient, group: str
) -> dict[TopicPartition, OffsetAndMetadata]:
    """What a group has committed; a new Kafka finds its groups' coordinator when first asked."""
    patience = int(COORDINATOR_SECONDS / LOOK_SECONDS)
    while True:
        try:
            found: dict[TopicPartition, OffsetAndMetadata]
            found = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            patience -= 1
            if not patience:
                raise
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return found


@asynccontextmanager
async def _clients(
    bootstrap: str,
) -> AsyncIterator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        await admin.start()
        await consumer.start()
        yield admin, consumer
    finally:
        await consumer.stop()
        await admin.close()
