"""A projection that follows a real log: in this process, or in one of its own to be killed.

`python -m tests.support.projecting tables|views` is that process: settings, failpoint and all from
the environment.
"""

import asyncio
import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from msgspec.structs import replace

from chatfold import clock, database, failpoints, migrate, topics
from chatfold import settings as settings_module
from chatfold.settings import Settings
from projections import json_files, redis, registry, view_sink, views
from projections.active_chat import ActiveChat
from projections.consumer import Consumer, Source
from projections.json_files import JsonFileViews
from projections.partition import Reading
from projections.postgres import PostgresSink
from projections.redis import RedisViews
from projections.registry import TABLES, Projection
from projections.sink import Bury, DeadLetters, ProjectionRefused
from projections.view_store import ViewsUnavailable
from schemas import envelope
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.topics import Groups, Topics
from tests.support import servers

LIFETIME = timedelta(hours=24)
SESSION_MS = 6_000  # the shortest that Kafka allows by default


async def prepare(settings: Settings) -> str:
    """Topics and tables; the name of the events topic."""
    await topics.apply(topics.plan(settings))
    await migrate.migrate(settings.database, settings.database_schema)
    return Topics(settings.topic_prefix).events


async def append(
    settings: Settings,
    log: Iterable[Recorded[Fact]],
    *,
    seed: int = 0,
    at: datetime | None = None,
) -> None:
    """Write the facts as the decider does, in transactions; some are aborted and come again.

    The log's own clock says now, or `at`.
    """
    topic, rng = Topics(settings.topic_prefix).events, random.Random(seed)
    facts = list(log)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        transactional_id=f"{settings.topic_prefix}-test-{seed}",
        retry_backoff_ms=5,
    )
    try:
        await producer.start()
        while facts:
            size = rng.choice([1, 5, 40, 200, 1000])
            if rng.random() < 0.15:
                await _aborted(producer, topic, facts[:size], at)
            async with producer.transaction():
                await _send(producer, topic, facts[:size], at)
            facts = facts[size:]
    finally:
        await producer.stop()


async def _aborted(
    producer: AIOKafkaProducer, topic: str, facts: Sequence[Recorded[Fact]], at: datetime | None
) -> None:
    await producer.begin_transaction()
    await _send(producer, topic, facts, at)
    await producer.abort_transaction()


async def _send(
    producer: AIOKafkaProducer, topic: str, facts: Iterable[Recorded[Fact]], at: datetime | None
) -> None:
    sent, then = [], round(at.timestamp() * 1000) if at else None
    for fact in facts:
        record = envelope.encode(fact)
        told = {"key": record.key, "headers": list(record.headers), "timestamp_ms": then}
        sent.append(await producer.send(topic, record.value, **told))
    await asyncio.gather(*sent)


async def ends(settings: Settings, topic: str) -> dict[int, int]:
    """The end of each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)
    try:
        await consumer.start()
        places = [TopicPartition(topic, number) for number in range(settings.partitions)]
        found = await consumer.end_offsets(places)
        return {place.partition: end for place, end in found.items()}
    finally:
        await consumer.stop()


async def positions(settings: Settings, projection: str = TABLES.name) -> dict[int, int]:
    """What the projection has stored, by partition."""
    connection = await database.connect(settings.database)
    try:
        rows = await connection.fetch(
            f"SELECT partition, next_offset FROM {settings.database_schema}.projection_offsets"
            " WHERE projection = $1",
            projection,
        )
        return {row["partition"]: row["next_offset"] for row in rows}
    finally:
        await connection.close()


async def committed(settings: Settings, projection: str) -> dict[int, int]:
    """What the group has told Kafka, by partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    try:
        await admin.start()
        group = Groups(settings.topic_prefix).projection(projection)
        found = await admin.list_consumer_group_offsets(group)
        return {place.partition: told.offset for place, told in found.items() if told.offset > 0}
    finally:
        await admin.close()


async def truncate(settings: Settings, topic: str) -> None:
    """Remove the first records of every partition, as retention would."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    try:
        await admin.start()
        before = {number: end // 2 for number, end in (await ends(settings, topic)).items()}
        await admin.delete_records(
            {
                TopicPartition(topic, number): RecordsToDelete(before_offset=offset)
                for number, offset in before.items()
            }
        )
    finally:
        await admin.close()


async def caught_up(
    settings: Settings, *, seconds: float = 60, projection: Projection = TABLES
) -> None:
    """Return when the stored position is the end of the log, transaction marks included.

    The end is read again and again: the last mark is written after its transaction has ended.
    """
    topic = projection.topic(Topics(settings.topic_prefix))
    deadline = time.monotonic() + seconds
    while True:
        stored, wanted = await positions(settings, projection.name), await ends(settings, topic)
        if stored == {number: end for number, end in wanted.items() if end}:
            return
        assert time.monotonic() < deadline, f"stored {stored} of {wanted} after {seconds} s"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def consuming(
    settings: Settings, projection: Projection = TABLES, bury: Bury | None = None
) -> AsyncIterator[Consumer]:
    """The projection, following the log in this process; with `bury`, poison facts wait."""
    pool = await database.open_pool(settings.database, kept=1, extra=9)
    stop = asyncio.Event()
    consumer = tables_consumer(settings, pool, projection, bury=bury)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stop))
            yield consumer
            stop.set()
    except* ProjectionRefused as refusals:
        raise refusals.exceptions[0] from None
    finally:
        await pool.close()


def tables_consumer(
    settings: Settings,
    pool: database.Pool,
    projection: Projection = TABLES,
    instance: str | None = None,
    bury: Bury | None = None,
) -> Consumer:
    sink = PostgresSink(
        pool, settings.database_schema, projection, reach=failpoints.from_environment()
    )
    reading = Reading(
        projection=projection.name,
        decode=projection.decode,
        sink=sink,
        clock=clock.now,
        dead_letters=DeadLetters(store=sink, bury=bury) if bury else None,
    )
    topic = projection.topic(Topics(settings.topic_prefix))
    return Consumer(reading, source(settings, topic, projection.name, instance))


@asynccontextmanager
async def viewing(
    settings: Settings, bury: Bury | None = None, **broken: Any
) -> AsyncIterator[tuple[Consumer, RedisViews | JsonFileViews]]:
    """The views, following the log in this process, and a reader of them."""
    stop, store = asyncio.Event(), views_store(settings)
    consumer = views_consumer(settings, store, bury=bury, **broken)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stop))
            yield consumer, store
            stop.set()
    except* ProjectionRefused as refusals:
        raise refusals.exceptions[0] from None
    finally:
        await store.close()


def views_store(settings: Settings) -> RedisViews | JsonFileViews:
    if settings.views.startswith("file:"):
        home = json_files.folder(settings.views, settings.view_prefix)
        return JsonFileViews(home, LIFETIME, clock=clock.now)
    client = redis.connect(settings.views)
    return RedisViews(client, settings.view_prefix, LIFETIME, clock=clock.now)


def views_consumer(
    settings: Settings,
    store: RedisViews | JsonFileViews,
    instance: str | None = None,
    bury: Bury | None = None,
    **broken: Any,
) -> Consumer:
    """`broken` are a `decode` or an `evolve` that are not ours."""
    reach = failpoints.from_environment()
    evolve = broken.get("evolve", views.evolve)
    sink = view_sink.ViewSink(
        store.builds.live, LIFETIME, clock=clock.now, reach=reach, evolve=evolve
    )
    reading = Reading(
        projection=view_sink.NAME,
        decode=broken.get("decode", registry.decode_fact),
        sink=sink,
        clock=clock.now,
        dead_letters=DeadLetters(store=sink, bury=bury) if bury else None,
    )
    topic = Topics(settings.topic_prefix).events
    return Consumer(reading, source(settings, topic, view_sink.NAME, instance))


def folded(log: Iterable[Recorded[Fact]]) -> dict[tuple[str, str], ActiveChat]:
    """What the views must be, one fact at a time, of the chats that go on."""
    found: dict[tuple[str, str], ActiveChat | None] = {}
    for one in log:
        chat = (one.tenant, one.chat_id)
        found[chat] = views.evolve(found.get(chat), one, LIFETIME)
    return {
        chat: view for chat, view in found.items() if view is not None and view.merged_into is None
    }


def recently(log: Sequence[Recorded[Fact]]) -> list[Recorded[Fact]]:
    """The log as if its facts were of the last minutes."""
    first = clock.now() - timedelta(minutes=10)
    moment = timedelta(minutes=9) / max(1, len(log))
    return [replace(one, time=first + n * moment) for n, one in enumerate(log)]


async def viewed(settings: Settings, log: Sequence[Recorded[Fact]], *, seconds: float = 60) -> None:
    """Return when every view is the fold of the log."""
    store, wanted = views_store(settings), folded(log)
    deadline = time.monotonic() + seconds
    try:
        while (different := await _different(store, wanted)) is not None:
            assert time.monotonic() < deadline, f"after {seconds} s: {different}"
            await asyncio.sleep(0.1)
    finally:
        await store.close()


async def _different(
    store: RedisViews | JsonFileViews, wanted: dict[tuple[str, str], ActiveChat]
) -> tuple[ActiveChat | None, ActiveChat] | None:
    for chat, view in wanted.items():
        try:
            found = await store.get(*chat)
        except ViewsUnavailable:
            return None, view
        if found != view:
            return found, view
    return None


def source(settings: Settings, topic: str, name: str, instance: str | None) -> Source:
    return Source(
        bootstrap=settings.bootstrap,
        topic=topic,
        group=Groups(settings.topic_prefix).projection(name),
        instance=instance,
        session_timeout_ms=SESSION_MS,
    )


class Process:
    """A projection in a process of its own."""

    def __init__(
        self, kind: str, settings: Settings, log: Path, failpoint: str = "", name: str = "one"
    ) -> None:
        self.log = log
        values = servers.environment(settings) | {failpoints.VARIABLE: failpoint}
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.projecting", kind, name],
                cwd=servers.ROOT,
                env=os.environ | values,
                stdout=out,
                stderr=out,
            )

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, number: int = signal.SIGKILL) -> int:
        if not self.ended:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        return self.process.wait(30)


async def main(kind: str, name: str) -> None:
    settings = settings_module.load()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if kind == "views":
        await views_consumer(settings, views_store(settings), name).run(stop)
        return
    pool = await database.open_pool(settings.database, kept=1, extra=9)
    try:
        await tables_consumer(settings, pool, instance=name).run(stop)
    finally:
        await pool.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(main(*sys.argv[1:]))
