"""Fold facts and tenants into tables."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Protocol, TypeVar

from chatfold import clock, database, dead_letters, failpoints, slots, standing
from chatfold.own_projections import found
from chatfold.roles import following
from chatfold.settings import Settings
from projections.consumer import Consumer
from projections.partition import Reading
from projections.postgres import Batch, PostgresSink
from projections.registry import TABLES, TENANTS, Projection
from projections.sink import Bury, DeadLetters
from schemas.topics import Topics

T = TypeVar("T")


class Follower(Protocol):
    """A projection of whatever."""

    def unready(self) -> Sequence[str]:
        """As `Consumer.unready`."""

    async def run(self, stop: asyncio.Event) -> None:
        """As `Consumer.run`."""


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
    """Fold facts and tenants into tables."""
    await standing.verify_database(settings)
    pool = await stack.enter_async_context(standing.pool(settings))
    instance = standing.instance(stack.enter_context(slots.slot(settings.home / "projector")))
    log = await stack.enter_async_context(standing.event_log(settings))
    bury = dead_letters.bury(log, Topics(settings.topic_prefix).dead_letters)
    consumers: list[Follower] = [
        _tables(settings, pool, TABLES, instance, bury),
        _tables(settings, pool, TENANTS, instance, bury),
        *(_tables(settings, pool, own, instance, bury) for own in found(settings.projections)),
    ]

    def unready() -> Sequence[str]:
        return [reason for consumer in consumers for reason in consumer.unready()]

    await stack.enter_async_context(standing.observed("projector", settings, unready))
    with following.refusing():
        async with asyncio.TaskGroup() as group:
            for consumer in consumers:
                group.create_task(consumer.run(stop))


def _tables(
    settings: Settings,
    pool: database.Pool,
    projection: Projection[T],
    instance: str,
    bury: Bury,
) -> Consumer[T, Batch]:
    reach = failpoints.from_environment()
    sink = PostgresSink(pool, settings.database_schema, projection, reach=reach)
    reading = Reading(
        projection=projection.name,
        decode=projection.decode,
        sink=sink,
        clock=clock.now,
        dead_letters=DeadLetters(store=sink, bury=bury),
    )
    topic = projection.topic(Topics(settings.topic_prefix))
    return Consumer(reading, following.source(settings, topic, projection.name, instance))
