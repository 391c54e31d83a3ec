"""What was read of a partition and is not archived yet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chatfold.archive import segments
from chatfold.archive.segments import Kept
from projections.registry import LogRecord


@dataclass(slots=True, kw_only=True)
class Buffer:
    """The records from `begin`, where the index ends, up to `end`."""

    begin: int
    end: int
    records: list[Kept] = field(default_factory=list)
    bytes: int = 0
    since: datetime | None = None

    def take(self, records: Iterable[LogRecord], reached: int, now: datetime) -> None:
        """Hold the records too; the log was read up to `reached`."""
        for record in map(segments.kept, records):
            self.records.append(record)
            self.bytes += segments.size(record)
        self.end = max(self.end, reached)
        if self.records and self.since is None:
            self.since = now

    def is_due(self, now: datetime, *, most_bytes: int, longest: timedelta) -> bool:
        """Whether it is large or old enough to be a segment."""
        if self.since is None:
            return False
        return self.bytes >= most_bytes or now - self.since >= longest

    def part(self, most_bytes: int) -> tuple[list[Kept], int]:
        """The first records, about as many bytes as that, and the offset behind what they cover."""
        held = 0
        for number, record in enumerate(self.records):
            if held and held + segments.size(record) > most_bytes:
                return self.records[:number], record.offset
            held += segments.size(record)
        return self.records, self.end

    def drop(self, part: list[Kept], end: int) -> None:
        """Begin behind the part, which is archived."""
        self.begin, self.records = end, self.records[len(part) :]
        self.bytes = sum(map(segments.size, self.records))
        if not self.records:
            self.since = None
