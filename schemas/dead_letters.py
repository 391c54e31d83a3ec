"""A dead letter is the record as it was, with headers that say whence it came and why."""

from collections.abc import Iterable

from schemas.envelope import Position, Record

REASON = "dl_reason"
ORIGIN = "dl_origin"
STACK = "dl_stack"
PROJECTION = "dl_projection"
LONGEST = 4000


def dead_letter(
    *,
    key: bytes | None,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    origin: Position,
    reason: str,
    stack: str = "",
    projection: str = "",
) -> Record:
    """The record for the dead-letter topic; its origin is `topic/partition/offset`.

    `projection` names the one that cannot fold it; others may.
    """
    place = f"{origin.topic}/{origin.partition}/{origin.offset}"
    told = (
        (REASON, reason[:LONGEST].encode()),
        (ORIGIN, place.encode()),
        (STACK, stack[-LONGEST:].encode()),
        *([(PROJECTION, projection.encode())] if projection else []),
    )
    return Record(key=key or b"", value=value or b"", headers=[*headers, *told])
