"""Numbers, bytes and times as JavaScript and Go write them into JSON."""

from datetime import UTC, datetime
from typing import Final

from providers.reading import integer, items, mapping, moment, sha256_hex
from schemas.content import Json

_DIGEST: Final = 32


def whole(value: object) -> int | None:
    """The whole number, also of a `Long` in its halves: `{low, high, unsigned}`."""
    if not isinstance(value, dict):
        return integer(value)
    low, high = integer(value.get("low")), integer(value.get("high", 0))
    if low is None or high is None:
        return None
    return integer((high << 32) | (low & 0xFFFF_FFFF))


def when(value: object) -> datetime | None:
    """The time: seconds since 1970, also as a `Long`, or RFC 3339."""
    if isinstance(value, dict):
        return moment(whole(value))
    return _written(value) if isinstance(value, str) and "T" in value else moment(value)


def _written(value: str) -> datetime | None:
    """Go writes the year 1 where it knows no time."""
    try:
        found = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found.year >= 1970 else None


def sha256(value: object) -> str | None:
    """A SHA-256 in base64, or as bytes: `{"0": 12, …}` or `{"type": "Buffer", "data": […]}`."""
    told = mapping(value)
    if not told:
        return sha256_hex(value)
    octets = items(told.get("data")) or _numbered(told)
    try:
        return sha256_hex(bytes(map(_octet, octets)).hex()) if len(octets) == _DIGEST else None
    except ValueError:
        return None


def _numbered(told: Json) -> list[object]:
    return [told.get(str(place)) for place in range(len(told))] if len(told) == _DIGEST else []


def _octet(value: object) -> int:
    found = integer(value)
    if found is None:
        raise ValueError("no byte")
    return found
