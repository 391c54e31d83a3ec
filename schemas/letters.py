"""Records with packed headers: what all that one input leads to has in common is packed once.

The headers are those that `envelope.encode` writes, in its order.
"""

from datetime import datetime
from typing import Final, cast

from schemas import awaited, codec, packing
from schemas.envelope import FIXED, Headers, Record
from schemas.packing import VARINTS
from schemas.value import Value

_SOURCE: Final = b"".join(packing.pack([one])[1:] for one in FIXED) + packing.name("ce_source")
_SUBJECT: Final = packing.name("ce_subject")
_TIME: Final = packing.name("ce_time")
_TENANT: Final = packing.name("ce_tenant")
_CAUSATION: Final = packing.name("ce_causationid")
_CORRELATION: Final = packing.name("ce_correlationid")
_TRACE: Final = packing.name("traceparent")
_ID: Final = packing.name("ce_id")
_SEQUENCE: Final = packing.name("ce_sequence")
_AWAITED: Final = packing.name(awaited.HEADER)
_SHARED: Final = 8  # headers, without the trace
_TYPES: Final[dict[type, bytes]] = {}


class Letter(Value, frozen=True):
    """A Kafka record before it has a place: key, value and packed headers."""

    key: bytes
    value: bytes | None
    head: bytes = packing.NONE

    @property
    def headers(self) -> Headers:
        """The headers as they were before."""
        return cast(Headers, packing.unpack(self.head))  # null as they came, if at all


def letter(record: Record) -> Letter:
    """The same record."""
    return Letter(record.key, record.value, packing.pack(record.headers))


class Letterhead:
    """What all records that one input leads to have in common."""

    __slots__ = ("_count", "_key", "_shared")

    def __init__(
        self,
        *,
        source: bytes,
        chat_id: str,
        time: datetime,
        tenant: str,
        causation_id: str,
        correlation_id: str,
        traceparent: str | None,
    ) -> None:
        key, moment, owner = chat_id.encode(), codec.moment(time), tenant.encode()
        cause, first = causation_id.encode(), correlation_id.encode()
        shared = (
            *(_SOURCE, VARINTS[len(source)], source, _SUBJECT, VARINTS[len(key)], key),
            *(_TIME, VARINTS[len(moment)], moment, _TENANT, VARINTS[len(owner)], owner),
            *(_CAUSATION, VARINTS[len(cause)], cause, _CORRELATION, VARINTS[len(first)], first),
        )
        self._key = key
        self._shared = b"".join(shared)
        self._count = _SHARED
        if traceparent:
            trace = traceparent.encode()
            self._shared += _TRACE + VARINTS[len(trace)] + trace
            self._count += 1

    def letter(self, own_id: str, data: object, sequence: int = 0, waits: bytes = b"") -> Letter:
        """The record of `data`, keyed by chat so that the chat's order is kept.

        A fact has its `sequence`; of an order is told for what the chat `waits`.
        """
        own, kind = own_id.encode(), _TYPES.get(type(data)) or _type_of(type(data))
        last = _numbered(sequence) if sequence else b""
        if waits:
            last = _AWAITED + VARINTS[len(waits)] + waits
        count = VARINTS[self._count + (3 if last else 2)]
        head = (count, self._shared, _ID, VARINTS[len(own)], own, kind, last)
        return Letter(self._key, codec.dumps(data), b"".join(head))


def _type_of(kind: type) -> bytes:
    told: str = kind.type  # type: ignore[attr-defined]  # each fact, input and order names it
    packed = _TYPES[kind] = packing.pack([("ce_type", told.encode())])[1:]
    return packed


def _numbered(sequence: int) -> bytes:
    number = b"%d" % sequence
    return b"".join((_SEQUENCE, VARINTS[len(number)], number))
