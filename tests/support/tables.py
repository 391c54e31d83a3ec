"""The tables of a schema as text, and the oracle's rows put into tables of their own."""

from typing import Any

from chatfold import database, migrate
from schemas import codec
from tests.support import oracle

Dump = dict[str, list[str]]


async def dump(url: str, schema: str, names: tuple[str, ...] = tuple(oracle.KEYS)) -> Dump:
    """Every row of the tables, as PostgreSQL writes it, in the order of keys."""
    connection = await database.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(f"SET LOCAL search_path TO {schema}")
            return {name: await _rows(connection, name) for name in names}
    finally:
        await connection.close()


async def expected(url: str, schema: str, rows: oracle.Tables) -> Dump:
    """The same of the oracle's rows, inserted one by one into a schema made for them."""
    await migrate.migrate(url, schema)
    connection = await database.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL search_path TO {schema}")
            for table, found in rows.items():
                for row in found.values():
                    await _insert(connection, table, row)
    finally:
        await connection.close()
    return await dump(url, schema, tuple(rows))


async def _rows(connection: Any, name: str) -> list[str]:
    key = ", ".join(oracle.KEYS[name])
    return [
        row[0] for row in await connection.fetch(f"SELECT t::text FROM {name} t ORDER BY {key}")
    ]


async def _insert(connection: Any, table: str, row: dict[str, Any]) -> None:
    """One value at a time, so that what is compared was written in another way."""
    columns = {name: value for name, value in row.items() if value is not None}
    if "json_content" in columns:
        columns["json_content"] = codec.dumps(columns["json_content"]).decode()
    places = ", ".join(f"${n}" for n, _ in enumerate(columns, 1))
    await connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", *columns.values()
    )
