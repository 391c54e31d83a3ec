"""Total reading of untrusted JSON: for every value an answer, never an exception."""

import binascii
import math
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from schemas import codec
from schemas.content import Json

TEXT_LIMIT: Final = 65_536
"""Sixteen times the longest message that any provider delivers."""
ID_LIMIT: Final = 512
"""The longest ids in use are about 130 characters."""
DETAIL_BYTES: Final = 32_768
"""What a fact may keep of a shape that it does not know; the whole stays in the inbox."""
_DEPTH: Final = 32
_NESTED: Final = "\N{HORIZONTAL ELLIPSIS}"
_INT64: Final = 2**63
_MILLISECONDS_FROM: Final = 10**11  # as seconds this is the year 5138
_MICROSECONDS_FROM: Final = 10**14
_NUMERIC: Final = (int, float, str)
_EMPTY: Final[Json] = {}


def clean(words: str) -> str:
    """`words` as every store can hold them: NUL becomes U+FFFD, an absurd length is cut."""
    if "\x00" in words:
        words = words.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return words if len(words) <= TEXT_LIMIT else words[:TEXT_LIMIT]


def text(value: object) -> str | None:
    """The clean words of a string that is not empty."""
    return clean(value) if isinstance(value, str) and value else None


def identifier(value: object) -> str | None:
    """The id in a string of printable characters, or in a whole number."""
    if isinstance(value, str):
        return value if 0 < len(value) <= ID_LIMIT and value.isprintable() else None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2 * _INT64:
        return str(value)
    return None


def mapping(value: object) -> Json:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def items(value: object) -> list[object]:
    """The list, or an empty one."""
    return value if isinstance(value, list) else []


def number(value: object) -> float | None:
    """The finite number, also when it is written as a string."""
    if isinstance(value, bool) or not isinstance(value, _NUMERIC):
        return None
    if isinstance(value, str) and len(value) > 40:
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def integer(value: object) -> int | None:
    """The whole number of at most 64 bits, also when it is written as a string."""
    if isinstance(value, str) and len(value) <= 20 and value.lstrip("-").isdecimal():
        try:
            value = int(value)
        except ValueError:
            return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -_INT64 <= value < _INT64 else None


def moment(value: object) -> datetime | None:
    """The time told in seconds, milliseconds or microseconds since 1970; 0 tells none."""
    seconds = number(value)
    if seconds is None or seconds < 1:
        return None
    if seconds >= _MICROSECONDS_FROM:
        seconds /= 1_000_000
    elif seconds >= _MILLISECONDS_FROM:
        seconds /= 1_000
    return datetime.fromtimestamp(seconds, UTC) if seconds < _MILLISECONDS_FROM else None


def sha256_hex(value: object) -> str | None:
    """A SHA-256 written in base64 or hexadecimal, as hexadecimal."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    try:
        raw = bytes.fromhex(value) if len(value) == 64 else binascii.a2b_base64(value)
    except ValueError:
        return None
    return raw.hex() if len(raw) == 32 else None


def tidy(value: object, depth: int = _DEPTH) -> object:
    """A copy that every store can hold: clean strings, finite numbers, bounded depth."""
    match value:
        case str():
            return clean(value)
        case dict() if depth:
            return {clean(str(key)): tidy(one, depth - 1) for key, one in value.items()}
        case list() if depth:
            return [tidy(one, depth - 1) for one in value]
        case dict() | list():
            return _NESTED
        case bool() | None:
            return value
        case int():
            return value if abs(value) < _INT64 else str(value)
        case _:
            return number(value)


def detail(value: object) -> Json:
    """What a fact keeps of an object: a tidy copy, or how large it was."""
    kept = tidy(mapping(value))
    size = len(codec.dumps(kept))
    return mapping(kept) if size <= DETAIL_BYTES else {"omitted_bytes": size}


def ordered(value: object, depth: int = codec.DEEPEST) -> object:
    """A copy with sorted keys that can always be written: equal values give equal bytes."""
    if isinstance(value, dict | list) and not depth:
        return _NESTED
    if isinstance(value, dict):
        return {key: ordered(one, depth - 1) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return [ordered(one, depth - 1) for one in value]
    if isinstance(value, int) and abs(value) >= _INT64:
        return str(value)
    return value


def digest(value: object) -> str:
    """An id made of the content: equal JSON values have equal ones."""
    return "content:" + sha256(codec.dumps(ordered(value))).hexdigest()
