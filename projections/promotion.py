"""Another build takes the place of the live one, in one transaction that no reader notices."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import asyncpg

from projections import dependents, shapes
from projections.build import LIVE, Build, Promoted, refuse_partial
from projections.builds import STANDING, Builds
from projections.sink import ProjectionRefused

if TYPE_CHECKING:
    from projections.postgres import Pool
    from projections.shapes import Connection

Positions = Mapping[int, int]
Advance = Callable[[Build, Positions], Awaitable[None]]
"""Reads on until the build's positions are these."""

log = logging.getLogger(__name__)

_WRITER_SECONDS: Final = 20  # a batch of the projector, at the very most
_SNAPSHOT_SECONDS: Final = 3.0  # of older readers, while the projector waits
_LOOK_SECONDS: Final = 0.02
_RETRY_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0)

# Readers may hold what we want and want what we hold. PostgreSQL looks for such a circle after
# deadlock_timeout, 1 s if nobody has changed it, and might end the reader: so we give way long
# before, and try again.
_TABLES_MILLISECONDS: Final = 300
_LOSES: Final = (
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
)

# To move an object to where it is changes nothing, but takes the lock. A view is locked before its
# tables, as by a query; LOCK TABLE would lock the tables with the first view already.
_TAKE: Final = """
DO $take$ BEGIN {views} LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE; END $take$
"""
_SNAPSHOTS: Final = """
SELECT a.pid, a.xact_start, a.backend_xmin::text AS seen,
       coalesce(nullif(a.application_name, ''), a.usename, '') AS who
FROM pg_stat_activity a
WHERE a.backend_xmin IS NOT NULL AND a.pid <> pg_backend_pid() AND a.datname = current_database()
  AND a.backend_type = 'client backend' AND NOT pg_backend_pid() = ANY(pg_blocking_pids(a.pid))
"""
_COPY_STANDING: Final = """
INSERT INTO {there}.{table} SELECT * FROM {here}.{table} WHERE projection = $1
"""
_DELETE_STANDING: Final = "DELETE FROM {here}.{table} WHERE projection = $1"
_STATE: Final = """
UPDATE {live}.projection_builds SET state = $3, live_since = coalesce($4, live_since)
WHERE projection = $1 AND build = $2
"""


class _Overtaken(Exception):
    """Somebody was in the way: try again."""


class Promotion:
    """Swaps builds; `advance` brings one up to given positions.

    The projector stands still for as long as it takes to fold what it was ahead, readers for some
    hundredths of a second. Nobody is stopped for longer: then we give way and try again.
    """

    def __init__(
        self, pool: "Pool", builds: Builds, topic: str, advance: Advance, *, patience: timedelta
    ) -> None:
        self._pool = pool
        self._builds = builds
        self._topic = topic
        self._advance = advance
        self._patience = patience

    async def promote(self, build: Build, now: datetime) -> Promoted:
        """Make the build live and keep the one that was; raises `ProjectionRefused`."""
        deadline = asyncio.get_running_loop().time() + self._patience.total_seconds()
        tries = 0
        while True:
            try:
                return await self._try(build, now)
            except (*_LOSES, _Overtaken) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise ProjectionRefused(
                        f"Build {build.name} could not be promoted within {self._patience}:"
                        f" {error}. Nothing was changed. End what is in the way, or be more patient"
                        " with --patience."
                    ) from error
                log.info("promotion gives way and tries again: %s", error)
                await asyncio.sleep(_RETRY_SECONDS[min(tries, len(_RETRY_SECONDS) - 1)])
                tries += 1

    async def _refuse(self, connection: "Connection", build: Build) -> None:
        """Raise `ProjectionRefused` if it cannot take the place of the live one."""
        refuse_partial(build)
        await self._refuse_other_shape(connection, build)
        if found := await dependents.obstacles(connection, self._builds.live, self._tables):
            raise ProjectionRefused(
                f"These cannot follow to other tables: {', '.join(found)}. Remove them,"
                " promote, and make them again."
            )

    async def _refuse_other_shape(self, connection: "Connection", build: Build) -> None:
        own = [] if self._builds.shape.definition else self._tables
        names = [*own, *STANDING]
        here = await shapes.columns(connection, names, schema=self._builds.live)
        there = await shapes.columns(connection, names, schema=self._builds.schema(build))
        if here != there:
            told = ", ".join(sorted({f"{table}.{column}" for table, column, _ in here ^ there}))
            raise ProjectionRefused(
                f"Build {build.name} has other columns than the live tables ({told}), because a"
                " migration came in between: rebuild it."
            )

    async def _try(self, build: Build, now: datetime) -> Promoted:
        async with self._transaction() as connection:
            live = await self._live_at_rest(connection)
            build = await self._builds.get(connection, build.name)
            await self._refuse(connection, build)
            await self._catch_up(connection, live, build)
            await connection.execute(f"LOCK TABLE {self._builds.schema(build)}.projection_offsets")
            await self._wait_for_older_readers(connection)
            found = await dependents.dependents(connection, self._builds.live, self._tables)
            await self._take(connection, found, build)
            await self._swap(connection, live, build, found)
            await self._record(connection, live, build, now)
        return Promoted(now=build.name, before=live.name)

    async def _live_at_rest(self, connection: "Connection") -> Build:
        """The live build, its writers waiting: none of them holds a row of it."""
        await self._builds.lock(connection)
        await connection.execute(f"SET LOCAL lock_timeout = '{_WRITER_SECONDS}s'")
        await connection.execute(
            f"LOCK TABLE {self._builds.live}.projection_offsets IN EXCLUSIVE MODE"
        )
        return await self._builds.get(connection, LIVE)

    async def _catch_up(self, connection: "Connection", live: Build, build: Build) -> None:
        """No reader shall see a row older than what it has seen already."""
        wanted = await self._builds.positions(connection, live, self._topic)
        there = await self._builds.positions(connection, build, self._topic)
        behind = {part: end for part, end in wanted.items() if there.get(part, 0) < end}
        if not behind:
            return
        if build.version != self._builds.shape.version:
            log.warning("build %s is of version %s: its rows stay", build.name, build.version)
            return
        await self._advance(build, behind)

    async def _wait_for_older_readers(self, connection: "Connection") -> None:
        """Whoever looks at the database as it was before would not see the last rows.

        A table that is named for the first time in such a transaction would be our new one.
        """
        older = await _snapshots(connection)
        deadline = asyncio.get_running_loop().time() + _SNAPSHOT_SECONDS
        while older:
            if asyncio.get_running_loop().time() > deadline:
                told = ", ".join(f"{row['who']} (pid {row['pid']})" for row in older)
                raise _Overtaken(f"transactions that began before are still open: {told}")
            await asyncio.sleep(_LOOK_SECONDS)
            older &= await _snapshots(connection)

    async def _take(
        self, connection: "Connection", found: dependents.Dependents, build: Build
    ) -> None:
        """All that readers use, at once."""
        live, there = self._builds.live, self._builds.schema(build)
        names = [view.name for view in found.views]
        views = " ".join(f"ALTER VIEW {one} SET SCHEMA {_schema(one, live)};" for one in names)
        tables = ", ".join(f"{schema}.{name}" for schema in (live, there) for name in self._tables)
        await connection.execute(f"SET LOCAL statement_timeout = {_TABLES_MILLISECONDS}")
        await connection.execute(_TAKE.format(views=views, tables=tables))
        await connection.execute("SET LOCAL statement_timeout = '10s'")

    async def _swap(
        self,
        connection: "Connection",
        live: Build,
        build: Build,
        found: dependents.Dependents,
    ) -> None:
        here, there = self._builds.live, self._builds.schema(build)
        beside = self._builds.schema_beside(live.name)
        rights = await shapes.rights(connection, self._tables, old=here, new=there)
        await self._builds.make_standing(connection, beside)
        moves = [
            *rights,
            *(f"ALTER TABLE {here}.{name} SET SCHEMA {beside}" for name in self._tables),
            *(f"ALTER TABLE {there}.{name} SET SCHEMA {here}" for name in self._tables),
            *found.statements,
        ]
        await connection.execute(";".join(moves))
        await self._swap_standing(connection, there, beside)

    async def _swap_standing(self, connection: "Connection", there: str, beside: str) -> None:
        """Positions and all else that tells how far the rows are go with them."""
        here, projection = self._builds.live, self._builds.shape.projection
        standing = await self._builds.standing(connection, here)
        for table in standing:
            for statement in (_COPY_STANDING, _DELETE_STANDING):
                sql = statement.format(here=here, there=beside, table=table)
                await connection.execute(sql, projection)
            sql = _COPY_STANDING.format(here=there, there=here, table=table)
            await connection.execute(sql, projection)
        names = ", ".join(f"{there}.{table}" for table in standing)
        await connection.execute(f"DROP TABLE {names}; DROP SCHEMA {there}")

    async def _record(
        self, connection: "Connection", live: Build, build: Build, now: datetime
    ) -> None:
        statement = _STATE.format(live=self._builds.live)
        await connection.execute(statement, live.projection, live.name, "kept", None)
        await connection.execute(statement, build.projection, build.name, LIVE, now)

    @asynccontextmanager
    async def _transaction(self) -> "AsyncIterator[Connection]":
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                f"SET LOCAL search_path TO {self._builds.live};"
                " SET LOCAL client_min_messages = warning; SET LOCAL statement_timeout = '60s'"
            )
            yield connection

    @property
    def _tables(self) -> list[str]:
        return list(self._builds.shape.tables)


async def _snapshots(connection: "Connection") -> set[asyncpg.Record]:
    """Who looks at which state; within a transaction PostgreSQL tells what it told before."""
    await connection.execute("SELECT pg_stat_clear_snapshot()")
    return set(await connection.fetch(_SNAPSHOTS))


def _schema(view: str, live: str) -> str:
    """The schema of a name as PostgreSQL prints it."""
    schema, dot, _ = view.rpartition(".")
    return schema if dot else live
