"""Dead letters: written for people to look at, listed, and taken up again."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

from aiokafka import ConsumerRecord

from chatfold import database, failpoints, own_projections, reading
from chatfold.eventlog import AppendFailed, EventLog
from chatfold.operations import tables
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections import parked_facts
from projections.parked_facts import PoisonFact
from projections.postgres import PostgresSink
from projections.redrive import Redrive, Redriven
from projections.registry import TABLES, TENANTS, Projection
from projections.sink import Bury, SinkUnavailable
from schemas.dead_letters import ORIGIN, PROJECTION, REASON, STACK
from schemas.envelope import Record
from schemas.topics import Topics

T = TypeVar("T")

APPEND_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter; `waits` if its chat's facts wait behind it, `behind` is how many do."""

    origin: str
    projection: str | None
    time: datetime
    type: str
    chat_id: str
    reason: str
    waits: bool
    behind: int
    stack: str
    value: bytes


def bury(log: EventLog, topic: str) -> Bury:
    """Appends a dead letter to `topic`."""

    async def append(letter: Record) -> None:
        try:
            await log.append(topic, [letter], APPEND_SECONDS)
        except AppendFailed as error:
            raise SinkUnavailable(f"a dead letter cannot be written: {error}") from error

    return append


async def letters(settings: Settings) -> list[Letter]:
    """Every dead letter, the oldest first; one that was told twice only once."""
    topic = Topics(settings.topic_prefix).dead_letters
    waiting = {_name(one): one for one in await waiting_facts(settings)}
    found = {name: _of_fact(one) for name, one in waiting.items()}
    async for record in reading.read(settings.bootstrap, topic):
        letter = _letter(record, waiting)
        found[letter.origin, letter.projection] = letter
    return sorted(found.values(), key=lambda letter: letter.time)


async def waiting_facts(settings: Settings) -> Sequence[PoisonFact]:
    """The facts that others of their chat wait behind."""
    async with tables.of_settings(settings)() as connection:
        return await parked_facts.poison(connection)


async def replay(settings: Settings, chosen: Iterable[PoisonFact]) -> list[Redriven]:
    """Fold the chosen facts and what waits behind them, as far as that goes now."""
    async with _redriving(settings) as redrive:
        return [
            await redrive(one.projection).run(one.topic, one.partition, one.key) for one in chosen
        ]


async def discard(settings: Settings, fact: PoisonFact) -> Redriven | None:
    """Let the fact go for good and fold what waits behind it; None if it waits no more."""
    async with _redriving(settings) as redrive:
        of = redrive(fact.projection)
        if not await of.discard(fact.topic, fact.partition, fact.offset):
            return None
        return await of.run(fact.topic, fact.partition, fact.key)


@asynccontextmanager
async def _redriving(settings: Settings) -> AsyncIterator["Redrives"]:
    pool = await database.open_pool(settings.database, kept=1, extra=1)
    try:
        yield Redrives(pool, settings.database_schema, settings.projections)
    except SinkUnavailable as error:
        raise Refusal(f"PostgreSQL cannot be used ({error}); see DATABASE_URL.") from None
    finally:
        await pool.close()


class Redrives:
    """Finds what folds the facts of a projection."""

    def __init__(self, pool: database.Pool, schema: str, own: str) -> None:
        self._pool = pool
        self._own = own
        self._schema = schema

    def __call__(self, name: str) -> "Redriving":
        """That of the projection of this name; raises `Refusal` if it is not installed here."""
        for projection in (TABLES, *own_projections.found(self._own)):
            if projection.name == name:
                return self._of(projection)
        if name == TENANTS.name:
            return self._of(TENANTS)
        raise Refusal(f"Projection {name} is not installed here: its facts stay as they are.")

    def _of(self, projection: Projection[T]) -> Redrive[T]:
        reach = failpoints.from_environment()
        return Redrive(PostgresSink(self._pool, self._schema, projection, reach=reach), projection)


class Redriving(Protocol):
    """Takes up facts of one projection, whatever they are facts of."""

    async def run(self, topic: str, partition: int, key: bytes) -> Redriven:
        """As `Redrive.run`."""

    async def discard(self, topic: str, partition: int, offset: int) -> bool:
        """As `Redrive.discard`."""


def _letter(record: ConsumerRecord, waiting: dict[tuple[str, str | None], PoisonFact]) -> Letter:
    told = {name: value.decode(errors="replace") for name, value in record.headers}
    origin, projection = told.get(ORIGIN, ""), told.get(PROJECTION)
    fact = waiting.get((origin, projection))
    return Letter(
        origin=origin,
        projection=projection,
        time=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        type=told.get("ce_type", "?"),
        chat_id=told.get("ce_subject", "?"),
        reason=told.get(REASON, ""),
        waits=fact is not None,
        behind=fact.behind if fact is not None else 0,
        stack=told.get(STACK, ""),
        value=record.value or b"",
    )


def _of_fact(fact: PoisonFact) -> Letter:
    """What waits without a letter: its poison was found in a replay."""
    return Letter(
        origin=fact.origin,
        projection=fact.projection,
        time=fact.parked_at,
        type="?",
        chat_id=fact.key.decode(errors="replace"),
        reason=fact.reason,
        waits=True,
        behind=fact.behind,
        stack="",
        value=b"",
    )


def _name(fact: PoisonFact) -> tuple[str, str | None]:
    return fact.origin, fact.projection
