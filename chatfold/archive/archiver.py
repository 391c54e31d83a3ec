"""The archiver: copies partitions into segments; where it is, the index alone decides.

A segment is written first, then its entry in the index. Ended in between, what was written is
nobody's, and the next run reads the same records again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from chatfold.archive import metrics, segments
from chatfold.archive.buffers import Buffer
from chatfold.archive.index import Entry, Index, segment_key
from chatfold.archive.segments import Damaged, Kept
from chatfold.archive.storage import StorageUnavailable, Taken
from chatfold.refusal import Refusal
from projections.partition import is_hopeless
from schemas.topics import MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

MOST_BUFFERED: Final = 64 * 1024 * 1024  # of all partitions of a process
_POLL_MS: Final = 500
_RECORDS: Final = 5_000
_GATHER_BYTES: Final = 4 * 1024 * 1024  # a fetch waits for so much …
_GATHER_MS: Final = 1_000  # … or so long: a segment takes minutes to fill, a round costs CPU
_RETRY_SECONDS: Final = 1.0
_HINT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """What is archived, from where, and when a segment is full."""

    bootstrap: str
    topics: tuple[str, ...]
    group: str
    instance: str | None
    index: Index
    segment_bytes: int
    segment_age: timedelta
    accept_gap: bool
    now: Callable[[], datetime]
    reach: Callable[[str], None]
    session_timeout_ms: int = 10_000


class Archiver(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One process of the role; start more to share the partitions."""

    def __init__(self, archiving: Archiving) -> None:
        self._archiving = archiving
        self._consumer = _consumer(archiving)
        self._assigned: set[TopicPartition] = set()
        self._buffers: dict[TopicPartition, Buffer] = {}
        self._writing = asyncio.Lock()
        self._trouble: str | None = "waits for its partitions"

    def unready(self) -> Sequence[str]:
        """Why nothing is archived; empty if it is."""
        return [f"archiver {self._trouble}"] if self._trouble else []

    async def run(self, stop: asyncio.Event) -> None:
        """Archive until `stop`; raises `Refusal` where records are missing."""
        try:
            await self._consumer.start()
            self._consumer.subscribe(self._archiving.topics, listener=self)
            while not stop.is_set():
                await self._round(stop)
            await self._write_all(lambda _: True)
        except StorageUnavailable as error:
            log.warning("archiver ends before all it read is archived: %s", error)
        finally:
            await self._consumer.stop()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Take them up in the next round, from where the index ends."""
        self._assigned = set(assigned)
        self._trouble = None

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002  # all of them
        """End what is being written; what was only read, the next owner reads again."""
        async with self._writing:
            for place in self._buffers:
                _forget_gauges(place)
            self._assigned, self._buffers = set(), {}

    async def _round(self, stop: asyncio.Event) -> None:
        try:
            await self._take_up()
            await self._read()
            await self._write_all(self._is_due)
            self._trouble = None if self._assigned else "waits for its partitions"
        except Taken as taken:
            self._go_back("fenced", taken)
        except OffsetOutOfRangeError as error:  # retention has passed; taking up tells
            self._go_back("kafka", error)
        except (StorageUnavailable, KafkaError) as error:
            if isinstance(error, KafkaError) and is_hopeless(error):
                raise
            self._go_back("kafka" if isinstance(error, KafkaError) else "storage", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _RETRY_SECONDS)
        except Damaged as damaged:
            raise Refusal(f"{damaged}. Nothing more is archived behind it.") from None

    def _go_back(self, reason: str, error: Exception) -> None:
        """Forget what was read, so that the index decides where to go on."""
        metrics.RESTARTS.labels(reason).inc()
        self._trouble = f"restarts: {reason}: {error}"
        self._buffers = {}
        log.warning("%s", self._trouble)

    async def _take_up(self) -> None:
        if not (new := sorted(self._assigned - self._buffers.keys())):
            return
        last = [await self._archiving.index.last(one.topic, one.partition) for one in new]
        first = await self._consumer.beginning_offsets(new)  # of all at once: where one of them is
        end = await self._consumer.end_offsets(new)  # being read, each answer waits for a fetch
        for place, entry in zip(new, last, strict=True):
            begin = self._position(place, entry, first[place], end[place])
            self._consumer.seek(place, begin)
            self._buffers[place] = Buffer(begin=begin, end=begin)
            log.info("archives %s/%s from %s", place.topic, place.partition, begin)

    def _position(self, place: TopicPartition, last: Entry | None, first: int, end: int) -> int:
        """The end of the index; where there is none, the beginning of what Kafka holds."""
        if last is None or (last.end < first and self._archiving.accept_gap):
            return first
        if not first <= last.end <= end:
            raise Refusal(_missing(place, last.end, first, end))
        return last.end

    async def _read(self) -> None:
        places = [place for place in self._buffers if place in self._assigned]
        if not places:
            await asyncio.sleep(_POLL_MS / 1000)
            return
        polled = await self._consumer.getmany(*places, timeout_ms=_POLL_MS, max_records=_RECORDS)
        now = self._archiving.now()
        for place in places:
            buffer = self._buffers.get(place)
            if buffer is None or place not in self._consumer.assignment():
                continue
            buffer.take(polled.get(place, ()), await self._consumer.position(place), now)
            self._tell(place, buffer)

    def _is_due(self, place: TopicPartition) -> bool:
        chosen, buffer = self._archiving, self._buffers[place]
        now = chosen.now()
        if buffer.is_due(now, most_bytes=chosen.segment_bytes, longest=chosen.segment_age):
            return True
        held = sum(one.bytes for one in self._buffers.values())
        return held > MOST_BUFFERED and buffer.bytes == max(
            one.bytes for one in self._buffers.values()
        )

    async def _write_all(self, is_due: Callable[[TopicPartition], bool]) -> None:
        for place in list(self._buffers):
            async with self._writing:
                buffer = self._buffers.get(place)
                while buffer is not None and buffer.records and is_due(place):
                    await self._write(place, buffer)

    async def _write(self, place: TopicPartition, buffer: Buffer) -> None:
        chosen = self._archiving
        part, end = buffer.part(chosen.segment_bytes)
        data = await asyncio.to_thread(segments.pack, part)
        entry = _entry(place, part, data, begin=buffer.begin, end=end, now=chosen.now())
        await chosen.index.storage.put(entry.key, data)
        chosen.reach("archive-segment-written")
        await chosen.index.add(entry)
        chosen.reach("archive-index-written")
        buffer.drop(part, end)
        _count(entry)
        self._tell(place, buffer)
        await self._hint(place, entry.end)

    async def _hint(self, place: TopicPartition, end: int) -> None:
        """Tell Kafka too, for the tools that look there; nothing here reads it."""
        with contextlib.suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(self._consumer.commit({place: end}), _HINT_SECONDS)

    def _tell(self, place: TopicPartition, buffer: Buffer) -> None:
        labels = (place.topic, str(place.partition))
        end = self._consumer.last_stable_offset(place) or buffer.end
        behind = end - buffer.begin if buffer.records or end > buffer.end else 0
        oldest = buffer.records[0].timestamp / 1000 if buffer.records else None
        age = self._archiving.now().timestamp() - oldest if oldest is not None else 0.0
        metrics.POSITION.labels(*labels).set(buffer.begin)
        metrics.LAG_RECORDS.labels(*labels).set(max(0, behind))
        metrics.LAG_SECONDS.labels(*labels).set(age)


def _consumer(archiving: Archiving) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=archiving.bootstrap,
        client_id=archiving.group,
        group_id=archiving.group,
        group_instance_id=archiving.instance,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        session_timeout_ms=archiving.session_timeout_ms,
        heartbeat_interval_ms=archiving.session_timeout_ms // 4,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        fetch_min_bytes=_GATHER_BYTES,
        fetch_max_wait_ms=_GATHER_MS,
    )


def _entry(
    place: TopicPartition,
    records: Sequence[Kept],
    data: bytes,
    *,
    begin: int,
    end: int,
    now: datetime,
) -> Entry:
    digest = segments.checksum(data)
    times = [one.timestamp for one in records]
    return Entry(
        format=segments.FORMAT,
        topic=place.topic,
        partition=place.partition,
        begin=begin,
        end=end,
        first=records[0].offset,
        last=records[-1].offset,
        first_time=datetime.fromtimestamp(min(times) / 1000, UTC),
        last_time=datetime.fromtimestamp(max(times) / 1000, UTC),
        count=len(records),
        bytes=len(data),
        sha256=digest,
        key=segment_key(place.topic, place.partition, begin=begin, end=end, digest=digest),
        archived_at=now,
    )


def _count(entry: Entry) -> None:
    metrics.SEGMENTS.labels(entry.topic).inc()
    metrics.RECORDS.labels(entry.topic).inc(entry.count)
    metrics.BYTES.labels(entry.topic).inc(entry.bytes)
    log.info("archived %s/%s %s to %s", entry.topic, entry.partition, entry.begin, entry.end)


def _forget_gauges(place: TopicPartition) -> None:
    for gauge in (metrics.POSITION, metrics.LAG_RECORDS, metrics.LAG_SECONDS):
        with contextlib.suppress(KeyError):
            gauge.remove(place.topic, str(place.partition))


def _missing(place: TopicPartition, archived: int, first: int, end: int) -> str:
    return (
        f"{place.topic}/{place.partition} is archived up to {archived}, but Kafka holds offsets"
        f" {first} to {end}: "
        + (
            "retention has taken records that were not archived, and they are lost. To go on"
            " behind them set CHATFOLD_ARCHIVE_ACCEPT_GAP=true once; what reads the archive will"
            " refuse to step over the gap."
            if archived < first
            else "it is another log than the one that was archived. Name another"
            " CHATFOLD_ARCHIVE_URL for it, or restore Kafka."
        )
    )
