"""The builds of a projection: which there are, where they are, and how one begins and ends.

The live one is in the schema of the deployment. Every other has a schema of its own with the same
tables, and with the tables that tell how far it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import asyncpg

from projections import build as builds
from projections import shapes
from projections.build import LIVE, Build
from projections.scope import Scope
from projections.sink import ProjectionRefused
from schemas import codec

if TYPE_CHECKING:
    from projections.shapes import Connection

STANDING: Final = ("projection_offsets", "projection_versions", "parked_facts")
"""What tells how far a build is; a deployment may not have the last."""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('chatfold builds of ' || $1, 0))"
_ALL: Final = """
SELECT projection, build, version, state, scope::text, started_at, ready_at, live_since
FROM {live}.projection_builds WHERE projection = $1 ORDER BY started_at, build
"""
_ADD: Final = """
INSERT INTO {live}.projection_builds (projection, build, version, state, scope, started_at,
                                      live_since)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
_READY: Final = """
UPDATE {live}.projection_builds SET state = 'ready', ready_at = coalesce(ready_at, $3)
WHERE projection = $1 AND build = $2 AND state = 'filling'
"""
_FORGET: Final = "DELETE FROM {live}.projection_builds WHERE projection = $1 AND build = $2"
_THERE: Final = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY($2) ORDER BY c.relname
"""
_VERSION: Final = "SELECT version, since FROM {live}.projection_versions WHERE projection = $1"
_SET_VERSION: Final = """
INSERT INTO {schema}.projection_versions (projection, version, since) VALUES ($1, $2, $3)
"""
_POSITIONS: Final = """
SELECT topic, partition, next_offset FROM {schema}.projection_offsets WHERE projection = $1
"""
_MOVED_AT: Final = """
SELECT max(updated_at) FROM {schema}.projection_offsets WHERE projection = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A projection as its builds need it: name, version, and the names of its tables."""

    projection: str
    version: int
    tables: Sequence[str]
    definition: str = ""
    """SQL that makes the tables, where no migration does."""


class Builds:
    """All builds of one projection beside the `live` schema."""

    def __init__(self, live: str, shape: Shape) -> None:
        self.live = live
        self.shape = shape

    def schema(self, build: Build) -> str:
        """Where the build's tables are."""
        return self.live if build.state == LIVE else self.schema_beside(build.name)

    def schema_beside(self, name: str) -> str:
        """Where a build of this name is while it is not live."""
        return f"{self.live}_{self.shape.projection}_{name}"

    async def all(self, connection: "Connection") -> list[Build]:
        """The oldest first."""
        rows = await connection.fetch(self._sql(_ALL), self.shape.projection)
        return [_build(row) for row in rows]

    async def get(self, connection: "Connection", name: str) -> Build:
        """The build of this name, or the live one; raises `ProjectionRefused`."""
        known = await self.all(connection)
        if name == LIVE and not any(build.state == LIVE for build in known):
            return await self._first(connection)
        return builds.named(known, name, self.shape.projection)

    async def begin(
        self, connection: "Connection", name: str | None, scope: Scope, now: datetime
    ) -> Build:
        """A new build, empty and without the indexes that only find rows.

        Raises `ProjectionRefused` if the name is taken.
        """
        async with connection.transaction():
            await self.lock(connection)
            known = await self._with_live(connection)
            taken = [build.name for build in known]
            chosen = name or builds.next_name(taken)
            builds.refuse_taken(chosen, taken, self.shape.projection)
            build = Build(
                projection=self.shape.projection,
                name=chosen,
                version=self.shape.version,
                state="filling",
                scope=scope,
                started_at=now,
            )
            await self._add(connection, build)
            await self._make(connection, build, now)
        return build

    async def index(self, connection: "Connection", build: Build) -> list[str]:
        """The statements that make the indexes which are still missing."""
        if self.shape.definition:
            return []  # they came with the tables
        await connection.execute(f"SET LOCAL search_path TO {self.live}")
        wanted = await shapes.indexes(
            connection, list(self.shape.tables), old=self.live, new=self.schema(build)
        )
        there = {
            row[0]
            for row in await connection.fetch(
                _THERE, self.schema(build), [index.name for index in wanted]
            )
        }
        return [index.statement for index in wanted if index.name not in there]

    async def finish(self, connection: "Connection", build: Build, now: datetime) -> None:
        """Let it be compared and promoted."""
        key = (build.projection, build.name)
        await connection.execute(self._sql(_READY), *key, now)

    async def drop(self, connection: "Connection", build: Build) -> None:
        """Remove a build that is not live; whoever fills it notices at its next batch.

        Raises `ProjectionRefused` where something else depends on its tables.
        """
        builds.refuse_live(build)
        schema = self.schema(build)
        async with connection.transaction():
            await self.lock(connection)
            await connection.execute("SET LOCAL client_min_messages = warning")
            tables = await self.standing(connection, schema)
            names = ", ".join(f"{schema}.{name}" for name in (*tables, *self.shape.tables))
            with _refusing_dependents(build):
                await connection.execute(f"DROP TABLE IF EXISTS {names}")
                await connection.execute(f"DROP SCHEMA IF EXISTS {schema}")
            await self.forget(connection, build)

    async def forget(self, connection: "Connection", build: Build) -> None:
        """Remove it from the list."""
        await connection.execute(self._sql(_FORGET), build.projection, build.name)

    async def positions(self, connection: "Connection", build: Build, topic: str) -> dict[int, int]:
        """How far the build is, by partition."""
        rows = await connection.fetch(
            _POSITIONS.format(schema=self.schema(build)), self.shape.projection
        )
        return {row["partition"]: row["next_offset"] for row in rows if row["topic"] == topic}

    async def moved_at(self, connection: "Connection", build: Build) -> datetime | None:
        """When rows were last written."""
        statement = _MOVED_AT.format(schema=self.schema(build))
        found: datetime | None = await connection.fetchval(statement, self.shape.projection)
        return found

    async def standing(self, connection: "Connection", schema: str) -> list[str]:
        """Those tables of a schema that tell how far its rows are, in one order for all."""
        rows = await connection.fetch(_THERE, schema, list(STANDING))
        return [row[0] for row in rows]

    async def lock(self, connection: "Connection") -> None:
        """Let nobody else change the list until the transaction ends."""
        await connection.execute(_LOCK, f"{self.live} {self.shape.projection}")

    async def make_standing(self, connection: "Connection", schema: str) -> None:
        """The schema, with the tables that tell how far its rows are."""
        await connection.execute(f"CREATE SCHEMA {schema}")
        for name in await self.standing(connection, self.live):
            await connection.execute(
                f"CREATE TABLE {schema}.{name} (LIKE {self.live}.{name} INCLUDING ALL)"
            )

    async def _make(self, connection: "Connection", build: Build, now: datetime) -> None:
        schema = self.schema(build)
        await connection.execute(f"SET LOCAL search_path TO {self.live}")
        await self.make_standing(connection, schema)
        if self.shape.definition:
            await connection.execute(f"SET LOCAL search_path TO {schema}, {self.live}")
            await connection.execute(self.shape.definition)
        else:
            await shapes.make(connection, self.shape.tables, old=self.live, new=schema)
        version = (self.shape.projection, self.shape.version, now)
        await connection.execute(_SET_VERSION.format(schema=schema), *version)

    async def _with_live(self, connection: "Connection") -> list[Build]:
        """All builds; the rows that were there before the first rebuild are called v1."""
        known = await self.all(connection)
        if any(build.state == LIVE for build in known):
            return known
        first = await self._first(connection)
        await self._add(connection, first)
        return [*known, first]

    async def _first(self, connection: "Connection") -> Build:
        stored = await connection.fetchrow(self._sql(_VERSION), self.shape.projection)
        version = stored["version"] if stored else self.shape.version
        since = stored["since"] if stored else builds.LONG_AGO
        return builds.first(self.shape.projection, version, since)

    async def _add(self, connection: "Connection", build: Build) -> None:
        scope = codec.dumps(build.scope).decode()
        values = (build.projection, build.name, build.version, build.state, scope)
        await connection.execute(self._sql(_ADD), *values, build.started_at, build.live_since)

    def _sql(self, statement: str) -> str:
        return statement.format(live=self.live)


def _build(row: asyncpg.Record) -> Build:
    return Build(
        projection=row["projection"],
        name=row["build"],
        version=row["version"],
        state=row["state"],
        scope=codec.decode(Scope, row["scope"].encode()),
        started_at=row["started_at"],
        ready_at=row["ready_at"],
        live_since=row["live_since"],
    )


@contextmanager
def _refusing_dependents(build: Build) -> Iterator[None]:
    try:
        yield
    except asyncpg.DependentObjectsStillExistError as error:
        raise ProjectionRefused(
            f"Build {build.name} cannot be dropped, because something depends on it:"
            f" {error.detail or error.args[0]}"
        ) from None
