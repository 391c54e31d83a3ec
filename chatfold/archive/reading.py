"""The log of a partition as spans that follow each other without a gap or a double."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from chatfold.archive.consumer import LogConsumer, PositionLost
from chatfold.archive.index import Index
from chatfold.reading import FETCH_WAIT_MS
from projections.registry import LogRecord

POLL_MS: Final = 500
RECORDS: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The records from offset `begin` up to, not including, `end`.

    There may be none: an offset without a record is the mark of a transaction, or was aborted.
    """

    begin: int
    end: int
    records: Sequence[LogRecord]


class LogReader:
    """Reads partitions one at a time, archive and all; `opened` makes one."""

    def __init__(self, consumer: LogConsumer) -> None:
        self._consumer = consumer

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that can be read, and the one behind the last."""
        place = TopicPartition(topic, partition)
        first = await self._consumer.beginning_offsets([place])
        end = await self._consumer.end_offsets([place])
        return first[place], end[place]

    async def read(
        self, topic: str, partition: int, *, begin: int, end: int
    ) -> AsyncIterator[Span]:
        """All from `begin` up to `end`, in order; raises `PositionLost` and `Damaged`."""
        first, known_end = await self.bounds(topic, partition)
        if not first <= begin <= end <= known_end:
            raise PositionLost(
                f"{topic}/{partition} cannot be read from {begin} to {end}: Kafka and the archive"
                f" (CHATFOLD_ARCHIVE_URL) hold offsets {first} to {known_end}. Nothing was skipped."
                " Name the archive that has the rest, or restore it from a backup."
            )
        async for span in self._spans(TopicPartition(topic, partition), begin, end):
            yield span

    async def _spans(self, place: TopicPartition, begin: int, end: int) -> AsyncIterator[Span]:
        self._consumer.assign([place])
        self._consumer.seek(place, begin)
        while begin < end:
            polled = await self._consumer.getmany(place, timeout_ms=POLL_MS, max_records=RECORDS)
            records = [one for one in polled.get(place, ()) if one.offset < end]
            reached = min(await self._consumer.position(place), end)
            if reached > begin:
                yield Span(begin=begin, end=reached, records=records)
                begin = reached


async def partitions(bootstrap: str, topic: str) -> list[int]:
    """The numbers of a topic's partitions; none if there is no such topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        described = await admin.describe_topics([topic])
        return sorted(one["partition"] for one in described[0]["partitions"])
    finally:
        await admin.close()


@asynccontextmanager
async def opened(bootstrap: str, archive: Index | None) -> AsyncIterator[LogReader]:
    """A reader with a connection to Kafka of its own."""
    consumer = LogConsumer(bootstrap, archive, fetch_max_wait_ms=FETCH_WAIT_MS)
    try:
        await consumer.start()
        yield LogReader(consumer)
    finally:
        await consumer.stop()
