"""A dead letter is the record as it was, with headers that say whence it came and why."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import ClassVar

from schemas.envelope import Position, Record
from schemas.value import Moment, Value

REASON = "dl_reason"
ORIGIN = "dl_origin"
STACK = "dl_stack"
PROJECTION = "dl_projection"
REPORTED = "dl_reported"
REPLAYED = "dl_replayed"
LONGEST = 4000

_PREFIX = "dl_"


class Settlement(StrEnum):
    """What was done with a dead letter."""

    REPLAYED = "replayed"
    DISCARDED = "discarded"


class LetterSettled(Value, frozen=True, kw_only=True):
    """Somebody has dealt with the dead letter of this origin: for one projection, if it is a fact.

    It stands in the dead-letter topic behind the letter.
    """

    type: ClassVar[str] = "LetterSettled.v1"
    origin: str
    did: Settlement
    by: str
    at: Moment
    projection: str | None = None


def dead_letter(
    *,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    origin: Position,
    reason: str,
    stack: str = "",
    projection: str = "",
    reported: str = "",
) -> Record:
    """The record for the dead-letter topic; its origin is `topic/partition/offset`.

    `projection` names the one that cannot fold it; others may. `reported` is what the chat was
    told to have failed by it.
    """
    place = f"{origin.topic}/{origin.partition}/{origin.offset}"
    told = (
        (REASON, reason[:LONGEST].encode()),
        (ORIGIN, place.encode()),
        (STACK, stack[-LONGEST:].encode()),
        *([(PROJECTION, projection.encode())] if projection else []),
        *([(REPORTED, reported.encode())] if reported else []),
    )
    return Record(key=key or b"", value=value or b"", headers=[*headers, *told])


def replayed(letter: Record, origin: str) -> Record:
    """The record that has become the letter, and that it was one.

    If it becomes one again, that letter tells the place of the first.
    """
    own: Sequence[tuple[str, bytes]] = [
        (name, value) for name, value in letter.headers if not name.startswith(_PREFIX)
    ]
    return Record(letter.key, letter.value, [*own, (REPLAYED, origin.encode())])
