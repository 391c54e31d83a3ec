"""Dead letters: written for people to look at, listed, and taken up again."""

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from aiokafka import ConsumerRecord

from chatfold import clock, database, failpoints, own_projections, reading, views
from chatfold.eventlog import AppendFailed, EventLog
from chatfold.operations import tables
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections import parked_facts, view_store
from projections.parked_facts import PoisonFact
from projections.postgres import PostgresSink
from projections.redrive import Redrive, Redriven, RowsWait, ViewsWait
from projections.registry import TABLES, TENANTS, Projection
from projections.sink import Bury, SinkUnavailable, Waiters
from projections.view_sink import ViewSink
from schemas.dead_letters import ORIGIN, PROJECTION, REASON, STACK
from schemas.envelope import Record
from schemas.topics import Topics

T = TypeVar("T")

log = logging.getLogger(__name__)

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
    """The facts that others of their chat wait behind, in the tables and in the views."""
    async with tables.of_settings(settings)() as connection:
        rows = await parked_facts.poison(connection)
    return [*rows, *await _in_views(settings)]


async def _in_views(settings: Settings) -> Sequence[PoisonFact]:
    """Tables can be mended while the views' store is away: it is told, and left out."""
    try:
        async with views.opened(settings) as store:
            return await (await store.builds.live()).poison()
    except SinkUnavailable as error:
        log.warning("what waits in the views is not known (%s); see REDIS_URL", error)
        return ()


async def replay(settings: Settings, chosen: Iterable[PoisonFact]) -> list[Redriven]:
    """Fold the chosen facts and what waits behind them, as far as that goes now."""
    async with _redriving(settings) as redrive:
        return [await (await redrive(one.projection)).run(_waiters(one)) for one in chosen]


async def discard(settings: Settings, fact: PoisonFact) -> Redriven | None:
    """Let the fact go for good and fold what waits behind it; None if it waits no more."""
    async with _redriving(settings) as redrive:
        of = await redrive(fact.projection)
        if not await of.discard(_waiters(fact), fact.offset):
            return None
        return await of.run(_waiters(fact))


def _waiters(fact: PoisonFact) -> Waiters:
    return Waiters(fact.topic, fact.partition, fact.key)


@asynccontextmanager
async def _redriving(settings: Settings) -> AsyncIterator["Redrives"]:
    async with AsyncExitStack() as stack:
        pool = await database.open_pool(settings.database, kept=1, extra=1)
        stack.push_async_callback(pool.close)
        try:
            yield Redrives(settings, pool, stack)
        except SinkUnavailable as error:
            raise Refusal(
                f"A store cannot be used ({error}); see DATABASE_URL and REDIS_URL."
            ) from None


class Redrives:
    """Finds what folds the facts of a projection."""

    def __init__(self, settings: Settings, pool: database.Pool, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._pool = pool
        self._stack = stack

    async def __call__(self, name: str) -> "Redriving":
        """That of the projection of this name; raises `Refusal` if it is not installed here."""
        if name == view_store.NAME:
            return await self._views()
        for projection in (TABLES, *own_projections.found(self._settings.projections)):
            if projection.name == name:
                return self._of(projection)
        if name == TENANTS.name:
            return self._of(TENANTS)
        raise Refusal(f"Projection {name} is not installed here: its facts stay as they are.")

    def _of(self, projection: Projection[T]) -> Redrive[T]:
        reach = failpoints.from_environment()
        sink = PostgresSink(self._pool, self._settings.database_schema, projection, reach=reach)
        return Redrive(RowsWait(sink, projection))

    async def _views(self) -> "Redriving":
        store = await self._stack.enter_async_context(views.opened(self._settings))
        lifetime = timedelta(hours=self._settings.view_ttl_hours)
        reach = failpoints.from_environment()
        sink = ViewSink(store.builds.live, lifetime, clock=clock.now, reach=reach)
        return Redrive(ViewsWait(sink, store.builds.live))


class Redriving(Protocol):
    """Takes up facts of one projection, whatever they are facts of."""

    async def run(self, waiters: Waiters) -> Redriven:
        """As `Redrive.run`."""

    async def discard(self, waiters: Waiters, offset: int) -> bool:
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
