"""The decider's memory of one partition, in RocksDB; the changelog topics are the truth."""

import shutil
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast

from rocksdict import AccessType, BlockBasedOptions, Options, Rdict, WriteBatch, WriteOptions

_MILLISECONDS: Final = struct.Struct(">q")
_CLEAN: Final = b"\x00clean"
_MEMTABLE_BYTES: Final = 16 << 20
_BLOOM_BITS: Final = 10


@dataclass(frozen=True, slots=True)
class Changes:
    """What one transaction changes: values by key (None deletes), and ids seen at a time."""

    values: dict[bytes, bytes | None]
    seen: dict[bytes, datetime]


class ChatStore:
    """Values and seen ids of one partition; never ahead of what was committed.

    A store that was not closed cleanly is wiped when it is opened.
    """

    def __init__(self, folder: Path, window: timedelta) -> None:
        self._folder = folder
        self._values = Rdict(str(folder / "values"), _options())
        ttl = AccessType.with_ttl(int(window.total_seconds()) + 1)
        self._seen = Rdict(str(folder / "seen"), _options(), access_type=ttl)
        for table in (self._values, self._seen):
            table.set_write_options(_unlogged())

    def get(self, key: bytes) -> bytes | None:
        """The value at `key`."""
        value: bytes | None = self._values.get(key)
        return value

    def seen_at(self, ids: Sequence[bytes]) -> list[datetime | None]:
        """When each id was seen, None for new ones."""
        found = cast("list[bytes | None]", self._seen.get([*ids]))
        return [None if raw is None else _moment(raw) for raw in found]

    def apply(self, changes: Changes) -> None:
        """Keep what was committed."""
        values, seen = WriteBatch(raw_mode=True), WriteBatch(raw_mode=True)
        for key, value in changes.values.items():
            if value is None:
                del values[key]
            else:
                values[key] = value
        for key, moment in changes.seen.items():
            seen[key] = _milliseconds(moment)
        self._values.write(values)
        self._seen.write(seen)

    def items(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Every key and value whose key starts with `prefix`."""
        for key, value in self._values.items(from_key=prefix):
            if not isinstance(key, bytes) or not key.startswith(prefix):
                return
            yield key, value

    def take_mark(self) -> tuple[int, int] | None:
        """The offsets that a clean close has left; the mark is gone once work begins."""
        mark = self._values.get(_CLEAN)
        if mark is None:
            return None
        del self._values[_CLEAN]
        self._values.flush()
        values, seen = struct.unpack(">qq", mark)
        return values, seen

    def close(self, offsets: tuple[int, int]) -> None:
        """Close cleanly: the store holds the changelogs up to `offsets` (values, seen)."""
        self._seen.flush()
        self._values.flush()
        self._values[_CLEAN] = struct.pack(">qq", *offsets)
        self._values.flush()
        self.abandon()

    def abandon(self) -> None:
        """Close without a mark: the next to open it starts from the changelogs."""
        self._seen.close()
        self._values.close()


def open_store(folder: Path, window: timedelta) -> tuple[ChatStore, tuple[int, int] | None]:
    """The store, and the changelog offsets it holds (values, seen); None if it is empty."""
    store = _reopen(folder, window)
    if store is not None:
        offsets = store.take_mark()
        if offsets is not None:
            return store, offsets
        store.abandon()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return ChatStore(folder, window), None


def _reopen(folder: Path, window: timedelta) -> ChatStore | None:
    if not folder.exists():
        return None
    try:
        return ChatStore(folder, window)
    except Exception:  # noqa: BLE001  # rocksdict raises bare Exception for a damaged store
        return None


def _moment(raw: bytes) -> datetime:
    return datetime.fromtimestamp(_MILLISECONDS.unpack(raw)[0] / 1000, UTC)


def _milliseconds(moment: datetime) -> bytes:
    return _MILLISECONDS.pack(int(moment.timestamp() * 1000))


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(create_if_missing=True)
    options.set_write_buffer_size(_MEMTABLE_BYTES)
    options.set_keep_log_file_num(1)
    blocks = BlockBasedOptions()
    blocks.set_bloom_filter(_BLOOM_BITS, block_based=False)
    options.set_block_based_table_factory(blocks)
    return options


def _unlogged() -> WriteOptions:
    options = WriteOptions()
    options.disable_wal = True  # type: ignore[method-assign, assignment]  # a property, mistyped in its stub
    return options
