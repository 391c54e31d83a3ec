"""Every projection into tables: what it reads, what it writes; one writer for each table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, Protocol, TypeVar

from pydantic import ValidationError

from projections import tables
from projections.evolve import (
    chats,
    conversations,
    delivery_attempts,
    delivery_fallbacks,
    job_failures,
    messages,
    model_calls,
    processed_events,
    processing_jobs,
    sessions,
    tenants,
)
from projections.evolve.tenants import TenantRecorded
from projections.rows import Write
from projections.rules import by_kind
from projections.tables import Table
from schemas import codec, envelope
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.tenants import Tenant
from schemas.topics import Topics

T = TypeVar("T")


class LogRecord(Protocol):
    """A record as the consumer gives it; `timestamp` in milliseconds."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def timestamp(self) -> int:
        """When it was appended."""

    @property
    def key(self) -> bytes | None:
        """What it is about."""

    @property
    def value(self) -> bytes | None:
        """What it says."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """CloudEvents headers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection(Generic[T]):
    """A fold of one topic into tables.

    `decode` raises `codec.Undecodable`. Change `version` when the same log would yield other
    rows: the projector then refuses to mix the two. Tables are merged in the order given.
    `definition` makes the tables that no migration makes, if they are not there.
    """

    name: str
    version: int
    topic: Callable[[Topics], str]
    tables: tuple[Table, ...]
    handles: frozenset[type]
    decode: Callable[[LogRecord], T]
    evolve: Callable[[T], Iterable[Write]]
    definition: str = ""


_BY_FACT: Final = by_kind(
    one.RULES
    for one in (
        chats,
        conversations,
        messages,
        sessions,
        processed_events,
        delivery_attempts,
        delivery_fallbacks,
        processing_jobs,
        job_failures,
        model_calls,
    )
)


def decode_fact(record: LogRecord) -> Recorded[Fact]:
    """The fact in a record of `events`."""
    return envelope.decode(codec.FACTS, value=record.value, headers=record.headers)


def evolve_fact(recorded: Recorded[Fact]) -> list[Write]:
    """What the fact changes in all tables."""
    fact = recorded.data
    return [write for evolve in _BY_FACT.get(type(fact), ()) for write in evolve(recorded, fact)]


def decode_tenant(record: LogRecord) -> TenantRecorded:
    """The tenant in a record of `tenants`; dated by its writer, else by the log."""
    told = dict(record.headers).get("ce_time", b"").decode()
    logged = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    try:
        tenant = Tenant.model_validate_json(record.value) if record.value else None
        time = datetime.fromisoformat(told).astimezone(UTC) if told else logged
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise codec.Undecodable(f"Tenant: {first['loc']}: {first['msg']}") from None
    except ValueError as error:
        raise codec.Undecodable(f"Tenant: ce_time: {error}") from None
    return TenantRecorded(
        tenant_id=(record.key or b"").decode(), tenant=tenant, time=time, place=record.offset + 1
    )


TABLES: Final = Projection(
    name="tables",
    version=2,
    topic=lambda topics: topics.events,
    tables=(
        tables.CHATS,
        tables.CONVERSATIONS,
        tables.MESSAGES,
        tables.SESSIONS,
        tables.PROCESSED_EVENTS,
        tables.DELIVERY_ATTEMPTS,
        tables.DELIVERY_FALLBACKS,
        tables.PROCESSING_JOBS,
        tables.JOB_FAILURES,
        tables.MODEL_CALLS,
    ),
    handles=frozenset(_BY_FACT),
    decode=decode_fact,
    evolve=evolve_fact,
)

TENANTS: Final = Projection(
    name="tenants",
    version=2,
    topic=lambda topics: topics.tenants,
    tables=(tables.TENANTS,),
    handles=frozenset({Tenant}),
    decode=decode_tenant,
    evolve=tenants.evolve,
)
