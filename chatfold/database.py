"""The way to PostgreSQL: one pool a process, safe behind pgBouncer's transaction pooling."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:  # at run time asyncpg's classes take no parameters
    Connection, Pool = asyncpg.Connection, asyncpg.Pool

KEPT: Final = 10
EXTRA: Final = 20
CONNECT_SECONDS: Final = 10.0
COMMAND_SECONDS: Final = 60.0

_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_OF_OTHER_DRIVERS: Final = frozenset(
    {"prepared_statement_cache_size", "prepared_statement_name_func", "async_fallback", "pgbouncer"}
)


def plain_url(url: str) -> str:
    """The URL as asyncpg reads it: SQLAlchemy's `postgresql+asyncpg://` and options removed."""
    parts = urlsplit(url)
    scheme = "postgresql" if parts.scheme.partition("+")[0] in {"postgresql", "postgres"} else ""
    if not scheme:
        raise ValueError(f"not a PostgreSQL URL: it begins with {parts.scheme or 'nothing'}://")
    query = urlencode([pair for pair in parse_qsl(parts.query) if pair[0] not in _OF_OTHER_DRIVERS])
    return urlunsplit((scheme, parts.netloc, parts.path, query, ""))


def quoted(schema: str) -> str:
    """The schema's name for use in SQL text; raises `ValueError` on what needs quoting."""
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(f"not a schema name: {schema!r}")
    return schema


async def connect(url: str) -> asyncpg.Connection:
    """One connection of one's own."""
    return await asyncpg.connect(
        plain_url(url),
        statement_cache_size=0,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
    )


async def open_pool(
    url: str, *, kept: int = KEPT, extra: int = EXTRA, command_seconds: float = COMMAND_SECONDS
) -> Pool:
    """A pool of up to `kept` connections, and `extra` more under load.

    They are opened as they are needed, so that a role may start before its database, and closed
    after five idle minutes. asyncpg's own floor would open all at once, and fill the log while
    the database is away.
    """
    return await asyncpg.create_pool(
        plain_url(url),
        min_size=0,
        max_size=kept + extra,
        statement_cache_size=0,
        timeout=CONNECT_SECONDS,
        command_timeout=command_seconds,
        reset=_nothing_to_reset,
    )


@asynccontextmanager
async def transaction(pool: Pool, schema: str) -> AsyncIterator[Connection]:
    """A transaction in which unqualified names are those of `schema`.

    The setting ends with it: behind pgBouncer the next transaction may get another session, and
    somebody else this one.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL search_path TO {quoted(schema)}")
        yield connection


async def _nothing_to_reset(_connection: object) -> None:
    """Asyncpg's own reset is for session state, of which there is none here."""
