"""The tables for readers: a transaction that writes nothing, in bounded time."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg

from chatfold import database
from chatfold.refusal import Refusal
from chatfold.settings import Settings

if TYPE_CHECKING:
    from projections.queries import Connection

STATEMENT_SECONDS: Final = 10

Tables = Callable[[], AbstractAsyncContextManager["Connection"]]
"""Opens a transaction that reads; raises `TablesAway`."""


class TablesAway(Refusal):
    """PostgreSQL cannot be asked now, or has no tables; the text says what to do."""


def of_settings(chosen: Settings) -> Tables:
    """The tables by a connection for each reading."""

    @asynccontextmanager
    async def reading() -> AsyncIterator["Connection"]:
        with _explained(chosen.database_schema):
            connection = await database.connect(chosen.database)
            try:
                async with connection.transaction(readonly=True):
                    await _prepare(connection, chosen.database_schema)
                    yield connection
            finally:
                await connection.close()

    return reading


def of_pool(pool: database.Pool, schema: str) -> Tables:
    """The tables by the connections of a pool."""

    @asynccontextmanager
    async def reading() -> AsyncIterator["Connection"]:
        with _explained(schema):
            async with (
                pool.acquire(timeout=STATEMENT_SECONDS) as connection,
                connection.transaction(readonly=True),
            ):
                await _prepare(connection, schema)
                yield connection

    return reading


async def _prepare(connection: "Connection", schema: str) -> None:
    await connection.execute(
        f"SET LOCAL search_path TO {database.quoted(schema)};"
        f" SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'"
    )


@contextmanager
def _explained(schema: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.UndefinedTableError:
        raise TablesAway(f"Schema {schema} has no tables: run `chatfold migrate up`.") from None
    except asyncpg.QueryCanceledError:
        raise TablesAway(
            f"PostgreSQL needed more than {STATEMENT_SECONDS} s: narrow it down, as by a tenant or"
            " a time to begin with."
        ) from None
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise TablesAway(f"PostgreSQL cannot be used ({error!r}); see DATABASE_URL.") from None
