"""Brings a schema to the shape of `migrations/`, in order, each file in a transaction."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Final

import asyncpg

from chatfold import database
from chatfold.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOCK_SECONDS: Final = 60
OLDEST_POSTGRES: Final = 15  # MERGE

_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version text PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_APPLIED: Final = "SELECT version, name, checksum, applied_at FROM schema_migrations"
_RECORD: Final = "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('chatfold migrations of ' || $1, 0))"


class MigrationRefused(Refusal):
    """The schema cannot be migrated; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`."""

    version: str
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What a file that was applied must still have."""
        return sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Applied:
    """One row of `schema_migrations`."""

    version: str
    name: str
    checksum: str
    applied_at: datetime


def available() -> tuple[Migration, ...]:
    """The migrations that this version of the program knows, in order."""
    files = (file for file in resources.files("migrations").iterdir() if file.name[:4].isdigit())
    return tuple(sorted(map(_read, files), key=lambda migration: migration.version))


def problems(known: Sequence[Migration], applied: Mapping[str, Applied]) -> list[str]:
    """Why a schema with `applied` cannot be migrated; empty if it can."""
    names = {migration.version for migration in known}
    newer = [
        f"Migration {one.version} ({one.name}) was applied by a newer version of Chatfold:"
        " upgrade this one."
        for version, one in sorted(applied.items())
        if version not in names
    ]
    changed = [
        f"Migration {one.version} ({one.name}) was changed after it was applied: restore its file,"
        " and put the change into a new migration."
        for one in known
        if one.version in applied and applied[one.version].checksum != one.checksum
    ]
    return newer + changed


def state(known: Migration | None, there: Applied | None) -> str:
    """How one migration stands: missing, applied, changed or unknown."""
    if there is None:
        return "missing"
    if known is None:
        return "unknown"
    return "applied" if known.checksum == there.checksum else "changed"


async def migrate(
    database_url: str, schema: str, known: Sequence[Migration] | None = None
) -> list[Migration]:
    """Apply what is missing and return it; raises `MigrationRefused`.

    Several may run at once: each migration is applied once, by whoever is first.
    """
    known = available() if known is None else known
    async with _connected(database_url) as connection:
        await _prepare(connection, schema, known)
        return [one for one in known if await _apply(connection, schema, one)]


async def applied(database_url: str, schema: str) -> dict[str, Applied]:
    """What was applied to the schema, by version; empty if there is no such schema.

    Raises `MigrationRefused` if the database cannot be reached.
    """
    async with _connected(database_url) as connection, connection.transaction():
        await connection.execute(f"SET LOCAL search_path TO {database.quoted(schema)}")
        return await _applied(connection)


async def verify(database_url: str, schema: str) -> list[str]:
    """Why the schema does not fit this version of the program; empty if it does.

    Raises `MigrationRefused` if the database cannot be reached.
    """
    async with _connected(database_url) as connection:
        server = connection.get_server_version()
    if server.major < OLDEST_POSTGRES:
        return [f"PostgreSQL {server.major} is too old: {OLDEST_POSTGRES} or newer is needed."]
    known, there = available(), await applied(database_url, schema)
    missing = [f"{one.version} ({one.name})" for one in known if one.version not in there]
    if missing:
        what = f"Schema {schema} lacks migration {', '.join(missing)}: run `chatfold migrate up`."
        return [*problems(known, there), what]
    return problems(known, there)


def _read(file: "resources.abc.Traversable") -> Migration:
    version, _, name = file.name.removesuffix(".sql").partition("_")
    return Migration(version, name.replace("_", " "), file.read_text(encoding="utf-8"))


@asynccontextmanager
async def _connected(url: str) -> "AsyncIterator[asyncpg.Connection]":
    try:
        connection = await database.connect(url)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        raise MigrationRefused(
            f"PostgreSQL cannot be used ({type(error).__name__}: {error}); see DATABASE_URL."
        ) from None
    try:
        yield connection
    finally:
        await connection.close()


async def _prepare(connection: asyncpg.Connection, schema: str, known: Iterable[Migration]) -> None:
    """Make the schema and its ledger, and refuse what does not fit."""
    async with _alone(connection, schema):
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {database.quoted(schema)}")
        await connection.execute(_LEDGER)
        refusals = problems(tuple(known), await _applied(connection))
    if refusals:
        raise MigrationRefused("\n".join(refusals))


async def _apply(connection: asyncpg.Connection, schema: str, migration: Migration) -> bool:
    """Whether it was missing; if so it is applied now."""
    async with _alone(connection, schema):
        if migration.version in await _applied(connection):
            return False
        try:
            await connection.execute(migration.sql)
        except asyncpg.PostgresError as error:
            raise MigrationRefused(
                f"Migration {migration.version} ({migration.name}) failed and left nothing: {error}"
            ) from error
        await connection.execute(_RECORD, migration.version, migration.name, migration.checksum)
    return True


@asynccontextmanager
async def _alone(connection: asyncpg.Connection, schema: str) -> "AsyncIterator[None]":
    """A transaction in the schema, one at a time; the lock ends with it, as pgBouncer needs."""
    async with connection.transaction():
        await connection.execute(
            f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s';"
            f"SET LOCAL client_min_messages = warning;"
            f"SET LOCAL search_path TO {database.quoted(schema)}"
        )
        await connection.execute(_LOCK, schema)
        yield


async def _applied(connection: asyncpg.Connection) -> dict[str, Applied]:
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return {}
    return {row["version"]: Applied(**row) for row in await connection.fetch(_APPLIED)}
