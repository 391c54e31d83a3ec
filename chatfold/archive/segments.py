"""A segment: records of one partition as bytes, and back."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import cramjam
import msgspec

from projections.registry import LogRecord

FORMAT: Final = "msgpack+zstd/1"
_LEVEL: Final = 3


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A record as aiokafka's consumer gives it, as far as readers of the log look at it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(list[Kept])


class Damaged(Exception):
    """A segment does not hold what the index says; the text says which."""


def kept(record: LogRecord) -> Kept:
    """What is kept of a record."""
    return Kept(record.offset, record.timestamp, record.key, record.value, list(record.headers))


def size(record: Kept) -> int:
    """About how many bytes the record takes before compression."""
    headers = sum(len(name) + len(value) + 4 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + 24


def pack(records: Sequence[Kept]) -> bytes:
    """The segment that holds the records."""
    return bytes(cramjam.zstd.compress(_ENCODER.encode(records), _LEVEL))


def unpack(data: bytes, digest: str, name: str) -> list[Kept]:
    """The records in a segment; raises `Damaged` unless it is the one that was written."""
    if checksum(data) != digest:
        raise Damaged(f"{name} is not what was archived: its checksum differs")
    return _DECODER.decode(bytes(cramjam.zstd.decompress(data)))


def checksum(data: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return sha256(data).hexdigest()
