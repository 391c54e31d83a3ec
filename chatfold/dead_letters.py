"""Dead letters: written for people to look at, listed, and taken up again."""

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Protocol, TypeVar

from chatfold import clock, database, failpoints, own_projections, reading, views
from chatfold.eventlog import AppendFailed, EventLog
from chatfold.letters import Letter, name_of, told
from chatfold.operations import TablesAway, tables
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections import parked_facts, view_store
from projections.parked_facts import PoisonFact
from projections.postgres import PostgresSink
from projections.redrive import Redrive, Redriven, RowsWait, ViewsWait
from projections.registry import TABLES, TENANTS, Projection
from projections.sink import Bury, SinkUnavailable, Waiters
from projections.view_sink import ViewSink
from schemas.envelope import Record
from schemas.topics import Topics

T = TypeVar("T")

log = logging.getLogger(__name__)

APPEND_SECONDS: Final = 10.0


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
    return await _letters(settings, await _waiting(settings))


async def count_open(settings: Settings) -> int:
    """How many letters nobody has settled; facts too, where it is not known whether they wait."""
    try:
        known = await _waiting(settings)
    except TablesAway:
        known = _Known((), None)
    return sum(letter.is_open for letter in await _letters(settings, known))


@dataclass(frozen=True, slots=True)
class _Known:
    """The facts that wait; of projections that are `unknown`, None: of all, nobody can tell."""

    facts: Sequence[PoisonFact]
    unknown: Collection[str] | None


async def _letters(settings: Settings, known: _Known) -> list[Letter]:
    topic = Topics(settings.topic_prefix).dead_letters
    waiting = {name_of(one): one for one in known.facts}
    records = [record async for record in reading.read(settings.bootstrap, topic)]
    return told(records, waiting, known.unknown)


async def waiting_facts(settings: Settings) -> Sequence[PoisonFact]:
    """The facts that others of their chat wait behind, in the tables and in the views."""
    return (await _waiting(settings)).facts


async def _waiting(settings: Settings) -> _Known:
    """Tables can be mended while the views' store is away: it is told, and left out."""
    async with tables.of_settings(settings)() as connection:
        rows = await parked_facts.poison(connection)
    try:
        async with views.opened(settings) as store:
            there = await (await store.builds.live()).poison()
    except SinkUnavailable as error:
        log.warning("what waits in the views is not known (%s); see REDIS_URL", error)
        return _Known(rows, {view_store.NAME})
    return _Known([*rows, *there], ())


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
