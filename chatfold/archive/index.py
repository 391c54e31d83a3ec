"""What is archived: an entry for each segment; a partition's position is the end of the last."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from chatfold.archive import segments
from chatfold.archive.segments import Damaged, Kept
from chatfold.archive.storage import Storage
from schemas.value import Value

_DIGITS: Final = 20


class Entry(Value, frozen=True, kw_only=True):
    """One segment: it covers the offsets from `begin` up to, not including, `end`.

    Its records are at `first` to `last`; offsets without a record are the marks of transactions.
    `key` names the segment, `sha256` is of its bytes; times are those of the log.
    """

    format: str
    topic: str
    partition: int
    begin: int
    end: int
    first: int
    last: int
    first_time: datetime
    last_time: datetime
    count: int
    bytes: int
    sha256: str
    key: str
    archived_at: datetime


class Index:
    """The index of one storage."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    async def add(self, entry: Entry) -> None:
        """Count the segment in; raises `Taken` where there is one from the same offset."""
        await self.storage.create(
            _entry_key(entry.topic, entry.partition, entry.begin), msgspec.json.encode(entry)
        )

    async def last(self, topic: str, partition: int) -> Entry | None:
        """The newest entry of a partition; raises `Damaged`."""
        keys = await self.storage.keys(_folder(topic, partition))
        return await self._entry(keys[-1]) if keys else None

    async def first(self, topic: str, partition: int) -> Entry | None:
        """The oldest entry of a partition; raises `Damaged`."""
        keys = await self.storage.keys(_folder(topic, partition))
        return await self._entry(keys[0]) if keys else None

    async def entries(self, topic: str, partition: int, begin: int = 0) -> AsyncIterator[Entry]:
        """The entries from the one that holds `begin`, or lies next behind it; raises `Damaged`."""
        keys = await self.storage.keys(_folder(topic, partition))
        before = [key for key in keys if key <= _entry_key(topic, partition, begin)]
        for key in keys[max(0, len(before) - 1) :]:
            entry = await self._entry(key)
            if entry.end > begin:
                yield entry

    async def places(self) -> list[tuple[str, int]]:
        """Every topic and partition of which something is archived."""
        parts = [key.split("/") for key in await self.storage.keys("log")]
        return sorted({(p[1], int(p[2])) for p in parts if len(p) == 5 and p[3] == "index"})

    async def records(self, entry: Entry) -> Sequence[Kept]:
        """The records of a segment, whole; raises `Damaged`."""
        if entry.format != segments.FORMAT:
            raise Damaged(f"{entry.key} is written as {entry.format}, of a newer Chatfold")
        data = await self.storage.get(entry.key)
        if data is None:
            raise Damaged(f"{entry.key} is in the index, but not in {self.storage.where}")
        return segments.unpack(data, entry.sha256, entry.key)

    async def _entry(self, key: str) -> Entry:
        data = await self.storage.get(key)
        try:
            return msgspec.json.decode(data or b"", type=Entry)
        except msgspec.DecodeError as error:
            raise Damaged(f"{key} in {self.storage.where} is no index entry: {error}") from None


def segment_key(topic: str, partition: int, *, begin: int, end: int, digest: str) -> str:
    """Where a segment is: named by what it covers and what is in it."""
    span = f"{begin:0{_DIGITS}}-{end:0{_DIGITS}}"
    return f"log/{topic}/{partition}/segments/{span}-{digest[:16]}.zst"


def _folder(topic: str, partition: int) -> str:
    return f"log/{topic}/{partition}/index"


def _entry_key(topic: str, partition: int, begin: int) -> str:
    return f"{_folder(topic, partition)}/{begin:0{_DIGITS}}.json"
