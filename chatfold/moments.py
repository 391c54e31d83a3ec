"""A time as people tell it to any command: as one, as a day, or as how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from chatfold.refusal import Refusal

WAYS: Final = (
    "how long ago (30s, 90m, 2h, 3d, 1w), a day (2026-01-05) or a time (2026-01-05T20:00; UTC"
    " unless it names a zone)"
)
"""How a time can be told, for helps and errors."""

_AGO: Final = re.compile(r"(\d{1,8}) ?([smhdw])( ago)?")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def is_ago(text: str) -> bool:
    """Whether it is another time whenever it is told."""
    return _AGO.fullmatch(text.strip()) is not None


def moment(text: str, now: datetime, *, ways: str = WAYS) -> datetime:
    """The time that is told, in UTC; a day is its first moment. Raises `Refusal`."""
    try:
        if ago := _AGO.fullmatch(text.strip()):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        told = datetime.fromisoformat(text.strip())
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(f"{text!r} is no time: write {ways}") from None
