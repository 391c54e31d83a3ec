"""CloudEvents 1.0 binary mode: who, what, when and why ride in headers, the value is the data."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from schemas import codec, upcasting
from schemas.value import Value

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Headers = list[tuple[str, bytes]]

FIXED: Final = (
    ("ce_specversion", b"1.0"),
    ("content-type", b"application/json"),
)
"""The headers that all records have."""

_TYPES: Final[dict[type, tuple[str, bytes]]] = {}


_JUNK: Final = (KeyError, ValueError, TypeError, AttributeError, OverflowError)
"""What headers raise that others have written: missing, null, no number, no time, out of range."""


class Position(Value, frozen=True):
    """Where a record stands in the log."""

    topic: str
    partition: int
    offset: int


class Recorded(Value, Generic[T_co], frozen=True, kw_only=True):
    """What was recorded, with its id, time and cause.

    `time` is when the input that began it all reached us (aware, UTC); `sequence` is the
    fact's number within its chat, 0 for what is not a fact. `causation_id` is the id of
    the input that caused it, `correlation_id` of the first input of the chain.
    """

    id: str
    time: datetime
    source: str
    tenant: str
    chat_id: str
    causation_id: str
    correlation_id: str
    data: T_co
    sequence: int = 0
    traceparent: str | None = None


class Record(Value, frozen=True):
    """A Kafka record before it has a place: key, value and headers."""

    key: bytes
    value: bytes | None
    headers: Headers


def _type_of(kind: type) -> tuple[str, bytes]:
    header = _TYPES.get(kind)
    if header is None:
        name: str = kind.type  # type: ignore[attr-defined]  # each fact, input and order names it
        header = _TYPES[kind] = ("ce_type", name.encode())
    return header


def encode(recorded: Recorded[object]) -> Record:
    """The record of `recorded`, keyed by chat so that the chat's order is kept."""
    key = recorded.chat_id.encode()
    headers: Headers = [
        *FIXED,
        ("ce_source", recorded.source.encode()),
        ("ce_subject", key),
        ("ce_time", codec.moment(recorded.time)),
        ("ce_tenant", recorded.tenant.encode()),
        ("ce_causationid", recorded.causation_id.encode()),
        ("ce_correlationid", recorded.correlation_id.encode()),
    ]
    if recorded.traceparent:
        headers.append(("traceparent", recorded.traceparent.encode()))
    headers += (("ce_id", recorded.id.encode()), _type_of(type(recorded.data)))
    if recorded.sequence:
        headers.append(("ce_sequence", b"%d" % recorded.sequence))
    return Record(key, codec.dumps(recorded.data), headers)


def decode(
    types: Mapping[str, type[T]],
    *,
    value: bytes | None,
    headers: Iterable[tuple[str, bytes]],
    older: upcasting.Older = upcasting.OLDER,
) -> Recorded[T]:
    """The recorded value, one of `types`, of whatever version; raises `codec.Undecodable`."""
    named = dict(headers)
    try:
        name = named["ce_type"].decode()
        kind = types.get(name)
        if kind is None:
            data = upcasting.decode(types, older, name, value or b"")
        else:
            data = codec.decode(kind, value or b"")
        recorded = _head(named, data)
    except _JUNK as error:
        raise codec.Undecodable(f"unknown type, or a header missing or wrong: {error}") from None
    return recorded


def _head(named: Mapping[str, bytes], data: T) -> Recorded[T]:
    trace = named.get("traceparent")
    return Recorded(
        id=named["ce_id"].decode(),
        time=_utc(named["ce_time"].decode()),
        source=named["ce_source"].decode(),
        tenant=named["ce_tenant"].decode(),
        chat_id=named["ce_subject"].decode(),
        causation_id=named["ce_causationid"].decode(),
        correlation_id=named["ce_correlationid"].decode(),
        data=data,
        sequence=int(named.get("ce_sequence", b"0")),
        traceparent=trace.decode() if trace else None,
    )


def _utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
