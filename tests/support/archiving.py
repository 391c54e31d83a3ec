"""An archive of a real log, and what is read back from it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from chatfold import clock, failpoints
from chatfold.archive import Index, opened
from chatfold.archive import reading as archive_reading
from chatfold.archive.archiver import Archiver, Archiving
from chatfold.settings import Settings
from projections.registry import LogRecord
from schemas.topics import Groups, Topics
from tests.support import projecting


def index(settings: Settings) -> Index:
    place = opened(settings.archive_url, archive_folder(settings), named_by="CHATFOLD_ARCHIVE_URL")
    return Index(place)


def archive_folder(settings: Settings) -> Path:
    return settings.home / "archive"


async def whole(settings: Settings, topic: str, archive: Index | None) -> dict[int, list[tuple]]:
    """Every record of a topic by partition, through the reader."""
    async with archive_reading.opened(settings.bootstrap, archive) as log:
        return {
            number: await _partition(log, topic, number) for number in range(settings.partitions)
        }


async def _partition(log: archive_reading.LogReader, topic: str, number: int) -> list[tuple]:
    begin, end = await log.bounds(topic, number)
    found: list[tuple] = []
    async for span in log.read(topic, number, begin=begin, end=end):
        assert span.begin == begin
        assert all(span.begin <= one.offset < span.end for one in span.records)
        begin = span.end
        found += map(told, span.records)
    assert begin == end
    return found


def told(record: LogRecord) -> tuple:
    """All of a record that readers look at."""
    return record.offset, record.timestamp, record.key, record.value, tuple(record.headers)


async def truncate(settings: Settings, topic: str, *, share: float) -> None:
    """Remove the first records of every partition, as retention would."""
    ends = await projecting.ends(settings, topic)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    try:
        await admin.start()
        await admin.delete_records(
            {
                TopicPartition(topic, number): RecordsToDelete(before_offset=int(end * share))
                for number, end in ends.items()
            }
        )
    finally:
        await admin.close()


@asynccontextmanager
async def archiving(settings: Settings, **changes: object) -> AsyncIterator[Archiver]:
    """An archiver in this process, which archives all it has read when it is told to stop."""
    stop = asyncio.Event()
    archiver = role(settings, **changes)
    async with asyncio.TaskGroup() as group:
        group.create_task(archiver.run(stop))
        yield archiver
        stop.set()


def role(settings: Settings, **changes: object) -> Archiver:
    """An archiver that is not running yet."""
    return Archiver(_archiving(settings, **changes))


def _archiving(settings: Settings, **changes: object) -> Archiving:
    names = Topics(settings.topic_prefix)
    return replace(
        Archiving(
            bootstrap=settings.bootstrap,
            topics=(names.inbox, names.events),
            group=Groups(settings.topic_prefix).archiver,
            instance=None,
            index=index(settings),
            segment_bytes=20_000,
            segment_age=timedelta(seconds=0.2),
            accept_gap=False,
            now=clock.now,
            reach=failpoints.from_environment(),
            session_timeout_ms=projecting.SESSION_MS,
        ),
        **changes,
    )


async def archived(settings: Settings, topic: str, *, seconds: float = 60) -> None:
    """Return when the index reaches the last record of every partition."""
    wanted = await whole(settings, topic, index(settings))
    deadline = time.monotonic() + seconds
    for number, records in wanted.items():
        while records:
            last = await index(settings).last(topic, number)
            if last is not None and last.end > records[-1][0]:
                break
            assert time.monotonic() < deadline, f"{topic}/{number}: {last} after {seconds} s"
            await asyncio.sleep(0.05)
