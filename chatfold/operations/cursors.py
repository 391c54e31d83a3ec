"""Places in a list as words that a reader hands back to get the next page."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC
from typing import Final
from uuid import UUID

from projections.queries import Found, Place
from schemas import codec
from schemas.value import Moment, Value

_LONGEST: Final = 200


class BadCursor(Exception):
    """Not a cursor that was handed out."""


class _Marker(Value, frozen=True):
    at: Moment
    id: UUID


def cursor(rows: Sequence[Found], limit: int, *, time: str, name: str) -> str | None:
    """What leads on behind the last of `rows`, None if there can be no more."""
    if len(rows) < limit:
        return None
    last = rows[-1]
    words = codec.dumps({"at": last[time], "id": last[name]})
    return base64.urlsafe_b64encode(words).decode().rstrip("=")


def place(cursor: str | None) -> Place | None:
    """The place that a cursor names; raises `BadCursor`."""
    if cursor is None:
        return None
    try:
        words = base64.urlsafe_b64decode(cursor[:_LONGEST] + "=" * (-len(cursor) % 4))
        marker = codec.decode(_Marker, words)
        return marker.at.astimezone(UTC), str(marker.id)
    except (binascii.Error, ValueError, OverflowError, codec.Undecodable):
        raise BadCursor("not a cursor; take `next_cursor` of the page before") from None
