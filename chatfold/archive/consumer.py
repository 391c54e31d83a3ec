"""A consumer for which the log begins where the archive does.

It is aiokafka's own in every way but this: what Kafka no longer has comes from the archive, in
the same order and with the same offsets. Partitions are assigned by hand, not by a group.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndTimestamp

from chatfold.archive.index import Entry, Index
from chatfold.archive.segments import Kept
from chatfold.archive.storage import StorageUnavailable
from chatfold.refusal import Refusal
from projections.registry import LogRecord
from schemas.topics import MAX_MESSAGE_BYTES


class PositionLost(Refusal):
    """Neither Kafka nor the archive holds the position; the text says what they hold."""


@dataclass(slots=True)
class _Cursor:
    """Where a partition is read in the archive: `left` was fetched and covers up to `end`."""

    reached: int
    end: int
    left: Sequence[Kept] = field(default_factory=list)


class LogConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka has no types
    """Call `beginning_offsets` before `seek`, as everybody does who checks a position.

    Raises `PositionLost` and `Damaged`; where the archive is away, `KafkaConnectionError`, so
    that callers wait for it as they wait for Kafka. Without an archive it is aiokafka's own.
    """

    def __init__(
        self, bootstrap: str, archive: Index | None, *topics: str, fetch_max_wait_ms: int = 500
    ) -> None:
        super().__init__(
            *topics,
            bootstrap_servers=bootstrap,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
            fetch_max_wait_ms=fetch_max_wait_ms,
        )
        self._archive = archive
        self._in_kafka: dict[TopicPartition, int] = {}
        self._cursors: dict[TopicPartition, _Cursor] = {}

    async def beginning_offsets(
        self, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """The first offset of each that Kafka or the archive holds."""
        first: dict[TopicPartition, int] = await super().beginning_offsets(partitions)
        self._in_kafka |= first
        return {place: await self._first(place, offset) for place, offset in first.items()}

    async def offsets_for_times(
        self, timestamps: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]:
        """For each the first record that Kafka or the archive holds of then (ms) or later."""
        found: dict[TopicPartition, OffsetAndTimestamp | None]
        found = await super().offsets_for_times(timestamps)
        await self.beginning_offsets(timestamps)
        for place, moment in timestamps.items():
            found[place] = await self._archived_since(place, moment) or found[place]
        return found

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from `offset`, in the archive if Kafka does not hold it."""
        in_kafka = self._in_kafka.get(partition, 0)
        if self._archive is None or offset >= in_kafka:
            self._cursors.pop(partition, None)
            super().seek(partition, offset)
            self.resume(partition)
        else:
            self._cursors[partition] = _Cursor(offset, offset)
            self.pause(partition)
            super().seek(partition, in_kafka)

    async def position(self, partition: TopicPartition) -> int:
        """Behind the last record or mark that was read."""
        cursor = self._cursors.get(partition)
        return cursor.reached if cursor else int(await super().position(partition))

    async def getmany(
        self,
        *partitions: TopicPartition,
        timeout_ms: int = 0,
        max_records: int | None = None,
    ) -> dict[TopicPartition, Sequence[LogRecord]]:
        """The next records; from the archive those of one partition at a time."""
        wanted = partitions or tuple(self.assignment())
        for place in wanted:
            if place in self._cursors:
                return {place: await self._from_archive(place, max_records)}
        try:
            found: dict[TopicPartition, Sequence[LogRecord]] = await super().getmany(
                *partitions, timeout_ms=timeout_ms, max_records=max_records
            )
        except OffsetOutOfRangeError:  # retention has passed while we read
            if self._archive is None or not await self._turn_to_archive(wanted):
                raise
            return {}
        return found

    async def _first(self, place: TopicPartition, in_kafka: int) -> int:
        if self._archive is None:
            return in_kafka
        try:
            oldest = await self._archive.first(place.topic, place.partition)
        except StorageUnavailable as error:
            raise _away(error) from error
        return min(oldest.begin, in_kafka) if oldest else in_kafka

    async def _archived_since(
        self, place: TopicPartition, moment: int
    ) -> OffsetAndTimestamp | None:
        """The first record since then that only the archive holds."""
        if self._archive is None:
            return None
        in_kafka = self._in_kafka[place]
        try:
            async for entry in self._archive.entries(place.topic, place.partition):
                if entry.begin >= in_kafka:
                    return None
                if round(entry.last_time.timestamp() * 1000) >= moment:
                    later = (r for r in await self._archive.records(entry) if r.timestamp >= moment)
                    if (one := next(later, None)) and one.offset < in_kafka:
                        return OffsetAndTimestamp(one.offset, one.timestamp)
        except StorageUnavailable as error:
            raise _away(error) from error
        return None

    async def _turn_to_archive(self, places: Iterable[TopicPartition]) -> bool:
        at = {place: await self.position(place) for place in places}
        await self.beginning_offsets(list(at))
        behind = [place for place, offset in at.items() if offset < self._in_kafka[place]]
        for place in behind:
            self.seek(place, at[place])
        return bool(behind)

    async def _from_archive(self, place: TopicPartition, most: int | None) -> Sequence[Kept]:
        cursor = self._cursors[place]
        if cursor.reached >= cursor.end:
            try:
                await self._fetch(place, cursor)
            except StorageUnavailable as error:
                raise _away(error) from error
        taken, cursor.left = cursor.left[:most], cursor.left[most:] if most else []
        cursor.reached = cursor.left[0].offset if cursor.left else cursor.end
        if cursor.reached >= self._in_kafka[place]:
            self._return_to_kafka(place, cursor)
        return taken

    def _return_to_kafka(self, place: TopicPartition, cursor: _Cursor) -> None:
        """What is left is read from Kafka: it holds that as well."""
        self.seek(place, cursor.reached)

    async def _fetch(self, place: TopicPartition, cursor: _Cursor) -> None:
        assert self._archive is not None
        entry = await self._entry(place, cursor.reached)
        if entry is None or entry.begin > cursor.reached:
            raise self._lost(place, cursor.reached, entry)
        records = await self._archive.records(entry)
        cursor.left = [one for one in records if one.offset >= cursor.reached]
        cursor.end = entry.end

    async def _entry(self, place: TopicPartition, offset: int) -> Entry | None:
        assert self._archive is not None
        async for entry in self._archive.entries(place.topic, place.partition, offset):
            return entry
        return None

    def _lost(self, place: TopicPartition, offset: int, later: Entry | None) -> PositionLost:
        where = self._archive.storage.where if self._archive else ""
        archived = f"goes on at {later.begin}" if later else "does not hold it"
        return PositionLost(
            f"{place.topic}/{place.partition} offset {offset} is in neither: Kafka begins at"
            f" {self._in_kafka[place]}, and the archive in {where} {archived}. Nothing was"
            " skipped. Name the archive that holds it (CHATFOLD_ARCHIVE_URL) or restore it from a"
            " backup; what neither has is lost, and can only be left out by beginning behind it."
        )


def _away(error: StorageUnavailable) -> KafkaConnectionError:
    return KafkaConnectionError(f"the archive: {error}")
