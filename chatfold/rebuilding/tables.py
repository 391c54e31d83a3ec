"""Tables as they are rebuilt: schemas in PostgreSQL beside the live one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chatfold import clock, database, failpoints
from chatfold.rebuilding import reading, tables_diff
from chatfold.rebuilding import target as targets
from chatfold.rebuilding.reading import Facts, Part, Source
from chatfold.rebuilding.target import Advance, Difference
from chatfold.settings import Settings
from projections import parked_facts
from projections.build import LIVE, Build, Promoted
from projections.builds import Builds, Shape
from projections.filling import FillingSink
from projections.gathering import GatheringSink
from projections.parked_facts import PoisonFact
from projections.promotion import Promotion
from projections.registry import Projection
from projections.scope import Scope, limited
from projections.stretch import Place
from schemas.topics import Topics

LONG_SECONDS: Final = 24 * 3600.0  # an index of a large table, or the checksum of all its rows

_INDEXES_AT_ONCE: Final = 2
_FILLED_BY: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('chatfold fills ' || $1, 0))"


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesTarget:
    """As `Target`, for a projection into tables."""

    projection: Projection[Facts]
    settings: Settings
    pool: database.Pool

    @property
    def name(self) -> str:
        """As `Target`."""
        return self.projection.name

    @property
    def version(self) -> int:
        """As `Target`."""
        return self.projection.version

    @property
    def place(self) -> Place:
        """As `Target`."""
        topic = self.projection.topic(Topics(self.settings.topic_prefix))
        return targets.place(self.settings, topic)

    @property
    def of(self) -> Builds:
        """Its builds."""
        shape = Shape(
            projection=self.projection.name,
            version=self.projection.version,
            tables=tuple(table.name for table in self.projection.tables),
            definition=self.projection.definition,
        )
        return Builds(self.settings.database_schema, shape)

    async def builds(self) -> list[Build]:
        """As `Target`."""
        async with self.pool.acquire() as connection:
            known = await self.of.all(connection)
            if not any(build.state == LIVE for build in known):
                known = [await self.of.get(connection, LIVE), *known]
        return known

    async def begin(self, name: str | None, scope: Scope, now: datetime) -> Build:
        """As `Target`."""
        async with self.pool.acquire() as connection:
            return await self.of.begin(connection, name, scope, now)

    async def finish(self, build: Build, now: datetime) -> None:
        """As `Target`."""
        async with self.pool.acquire() as connection:
            await self.of.finish(connection, build, now)

    async def drop(self, build: Build) -> None:
        """As `Target`."""
        async with self.pool.acquire() as connection:
            await self.of.drop(connection, build)

    async def positions(self, build: Build) -> dict[int, int]:
        """As `Target`."""
        async with self.pool.acquire() as connection:
            return await self.of.positions(connection, build, self.place.topic)

    async def moved_at(self, build: Build) -> datetime | None:
        """As `Target`."""
        async with self.pool.acquire() as connection:
            return await self.of.moved_at(connection, build)

    async def waiting(self, build: Build) -> Sequence[PoisonFact]:
        """As `Target`."""
        async with self._in(build) as connection:
            found = await parked_facts.poison(connection)
        return [fact for fact in found if fact.projection == self.name]

    @asynccontextmanager
    async def alone(self, build: Build) -> AsyncIterator[bool]:
        """As `Target`.

        The lock is that of an idle transaction, which holds up nothing, and ends with the process.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            is_ours = await connection.fetchval(_FILLED_BY, self.of.schema(build))
            await connection.execute("SELECT 1")  # lets go of the snapshot that the answer holds
            yield bool(is_ours)

    async def fill(self, build: Build, part: Part, stop: asyncio.Event) -> None:
        """As `Target`; what is paced is written batch by batch, so that the pace is seen."""
        filling = self._filling(build, began_empty=part.began_empty)
        source = Source(projection=self.name, place=self.place, decode=self.projection.decode)
        if part.per_second:
            return await reading.fill(source, filling, part, stop)
        ends = {(source.place.topic, partition): end for partition, (_, end) in part.ends.items()}
        gathering = GatheringSink(filling, ends, most_rows=part.most_rows)
        return await reading.fill(source, gathering, part, stop)

    async def index(self, build: Build) -> None:
        """As `Target`."""
        async with self.pool.acquire() as connection, connection.transaction():
            statements = await self.of.index(connection, build)
        limit = asyncio.Semaphore(_INDEXES_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for statement in statements:
                group.create_task(self._execute(build, statement, limit))

    async def analyze(self, build: Build) -> None:
        """As `Target`."""
        schema, limit = self.of.schema(build), asyncio.Semaphore(1)
        for table in self.projection.tables:
            await self._execute(build, f"ANALYZE {schema}.{table.name}", limit)

    async def promote(self, build: Build, advance: Advance, patience: timedelta) -> Promoted:
        """As `Target`."""
        promotion = Promotion(self.pool, self.of, self.place.topic, advance, patience=patience)
        return await promotion.promote(build, clock.now())

    async def diff(
        self, both: Sequence[Build], advance: Advance | None, *, limit: int
    ) -> Difference:
        """As `Target`."""
        comparing = tables_diff.Comparing(
            pool=self.pool,
            builds=self.of,
            tables=self.projection.tables,
            topic=self.place.topic,
            limit=limit,
        )
        return await comparing.diff(both, advance)

    def _filling(self, build: Build, *, began_empty: bool) -> FillingSink[Facts]:
        return FillingSink(
            self.pool,
            self.of.schema(build),
            limited(self.projection, build.scope),
            live=self.settings.database_schema,
            began_empty=began_empty,
            reach=failpoints.from_environment(),
        )

    async def _execute(self, build: Build, statement: str, limit: asyncio.Semaphore) -> None:
        async with limit, self._in(build) as connection:
            await connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
            await connection.execute(statement)

    @asynccontextmanager
    async def _in(self, build: Build) -> AsyncIterator[database.Connection]:
        path = f"{self.of.schema(build)}, {self.of.live}"
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SET LOCAL search_path TO {path}")
            yield connection


@asynccontextmanager
async def opened(settings: Settings, projection: Projection[Facts]) -> AsyncIterator[TablesTarget]:
    """The projection, with connections to its tables."""
    pool = await database.open_pool(
        settings.database, kept=4, extra=8, command_seconds=LONG_SECONDS
    )
    try:
        yield TablesTarget(projection=projection, settings=settings, pool=pool)
    finally:
        await pool.close()
