"""Headers as they stand in a Kafka record (format 2), so that shared ones are packed once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

Header = tuple[str, bytes | None]

_TABLED: Final = 4_096  # lengths beyond that are rare enough to be reckoned each time


def _varint(number: int) -> bytes:
    """The number as Kafka writes it: zigzag, then seven bits a byte, the lowest first."""
    left = (number << 1) ^ (number >> 63)
    found = bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


class _Varints(dict[int, bytes]):
    def __missing__(self, number: int) -> bytes:
        return _varint(number)


VARINTS: Final = _Varints((number, _varint(number)) for number in range(-1, _TABLED))
"""How any number is written; -1 is the length of what is null."""

NONE: Final = VARINTS[0]
"""No headers."""


def name(text: str) -> bytes:
    """A header's name as it stands before the value."""
    return VARINTS[len(text.encode())] + text.encode()


def pack(headers: Sequence[Header]) -> bytes:
    """How many headers, and each of them."""
    return b"".join((VARINTS[len(headers)], *map(_packed, headers)))


def unpack(packed: bytes) -> list[Header]:
    """What `pack` has packed."""
    count, at = _number(packed, 0)
    return list(_headers(packed, at, count))


def _packed(header: Header) -> bytes:
    key, value = header
    return name(key) + (VARINTS[-1] if value is None else VARINTS[len(value)] + value)


def _headers(packed: bytes, at: int, count: int) -> Iterable[Header]:
    for _ in range(count):
        key, at = _text(packed, at)
        value, at = _text(packed, at)
        assert key is not None  # only values are null
        yield key.decode(), value


def _text(packed: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = _number(packed, at)
    return (None, at) if length < 0 else (packed[at : at + length], at + length)


def _number(packed: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    for one in _septets(packed, at):
        found |= one << shift
        shift += 7
    return (found >> 1) ^ -(found & 1), at + shift // 7


def _septets(packed: bytes, at: int) -> Iterator[int]:
    while packed[at] > 0x7F:
        yield packed[at] & 0x7F
        at += 1
    yield packed[at]
