"""SQL by DuckDB over an export, or over the tables and the archived messages."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from chatfold import database
from chatfold.archive.storage import Storage
from chatfold.export import arrow, old_messages, sources
from chatfold.export.shapes import SHAPES, Shape
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas import codec

_READERS: Final = {".parquet": "read_parquet", ".gz": "read_json"}
_ARCHIVED: Final = """
    CREATE VIEW messages AS
    SELECT *, false AS is_archived FROM live_messages
    UNION ALL BY NAME
    SELECT * EXCLUDE (tenant, day), true AS is_archived FROM archived_messages a
    WHERE NOT EXISTS (FROM live_messages l WHERE l.message_id = a.message_id)
"""
_LIVE: Final = "CREATE VIEW messages AS SELECT *, false AS is_archived FROM live_messages"


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns and rows that a query has found."""

    columns: list[str]
    rows: list[dict[str, object]]


async def over_tables(settings: Settings, archive: Storage, sql: str) -> Answer:
    """The answer from the tables as they are now, and from what was moved out of `messages`."""
    with _database() as (duck, folder):
        names = named(duck, sql)
        async with _tables(settings) as tables:
            for name in sorted(names):
                shape = SHAPES.get(name)
                if shape is None or shape.is_log:
                    raise Refusal(_unknown(name))
                await _load(duck, tables, shape, f"live_{name}" if name == "messages" else name)
        if "messages" in names:
            moved = await _view(
                duck, archive, old_messages.FOLDER, folder, name="archived_messages"
            )
            duck.execute(_ARCHIVED if moved else _LIVE).fetchall()
        return _answer(duck, sql)


async def over_export(storage: Storage, sql: str) -> Answer:
    """The answer from the files of an export."""
    with _database() as (duck, folder):
        for name in sorted(named(duck, sql)):
            if not await _view(duck, storage, name, folder, name=name):
                raise Refusal(f"{storage.where} has no export of {name!r}.")
        return _answer(duck, sql)


def named(duck: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    """The tables that a query reads, its own `WITH` left out; raises `Refusal` if it is none."""
    ((text,),) = duck.execute("SELECT json_serialize_sql($1::VARCHAR)", [sql]).fetchall()
    told = codec.loads(str(text).encode())
    if not isinstance(told, dict) or told.get("error"):
        reason = told.get("error_message") if isinstance(told, dict) else None
        raise Refusal(f"The query cannot be run: {reason or 'only SELECT can'}.")
    found, own = set[str](), set[str]()
    _walk(told, found, own)
    return found - own


def _walk(node: object, found: set[str], own: set[str]) -> None:
    match node:
        case {"type": "BASE_TABLE", "table_name": str(name)}:
            found.add(name.lower())
        case {"cte_map": {"map": list(entries)}}:
            own |= {str(one["key"]).lower() for one in entries}
        case _:
            pass
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for one in inner:
        _walk(one, found, own)


@contextmanager
def _database() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A database on disk for the while, so that tables may be larger than memory."""
    with tempfile.TemporaryDirectory(prefix="chatfold-query-") as folder:
        duck = duckdb.connect(str(Path(folder, "query.duckdb")))
        try:
            for option in ("autoinstall_known_extensions", "autoload_known_extensions"):
                duck.execute(f"SET {option} = false").fetchall()  # nothing is downloaded
            duck.execute("SET TimeZone = 'UTC'").fetchall()
            yield duck, Path(folder)
        finally:
            duck.close()


@asynccontextmanager
async def _tables(settings: Settings) -> AsyncIterator[sources.Tables]:
    """The tables at one moment."""
    connection = await database.connect(settings.database)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            schema = database.quoted(settings.database_schema)
            yield sources.Tables(connection=connection, schema=schema)
    finally:
        await connection.close()


async def _load(
    duck: duckdb.DuckDBPyConnection, tables: sources.Tables, shape: Shape, name: str
) -> None:
    _insert(duck, arrow.schema(shape).empty_table(), f"CREATE TABLE {name} AS FROM piece")
    async for piece in sources.of_table(tables, shape):
        await asyncio.to_thread(_insert, duck, piece.table, f"INSERT INTO {name} FROM piece")


def _insert(duck: duckdb.DuckDBPyConnection, table: pa.Table, statement: str) -> None:
    duck.register("piece", table)
    duck.execute(statement).fetchall()
    duck.unregister("piece")


async def _view(
    duck: duckdb.DuckDBPyConnection, storage: Storage, what: str, folder: Path, *, name: str
) -> bool:
    """Have the files of `what` as a view; False if there are none."""
    keys = [key for key in await storage.keys(what) if Path(key).suffix in _READERS]
    if not keys:
        return False
    root = storage.folder or await _fetched(storage, keys, folder)
    files = ", ".join("'" + str(root / key).replace("'", "''") + "'" for key in keys)
    reader = _READERS[Path(keys[0]).suffix]
    duck.execute(
        f'CREATE VIEW "{name}" AS FROM {reader}([{files}],'  # quoted
        " hive_partitioning = true, union_by_name = true, hive_types_autocast = false)"
    ).fetchall()
    return True


async def _fetched(storage: Storage, keys: list[str], folder: Path) -> Path:
    """A folder with copies: DuckDB reads a bucket by an extension that it would download."""
    for key in keys:
        file = folder / "files" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(await storage.get(key) or b"")
    return folder / "files"


def _answer(duck: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    try:
        relation = duck.sql(sql)
        found: pa.Table = relation.to_arrow_table()
    except duckdb.Error as error:
        raise Refusal(f"DuckDB: {error}") from None
    return Answer(found.column_names, found.to_pylist())


def _unknown(name: str) -> str:
    tables = ", ".join(one.name for one in SHAPES.values() if not one.is_log)
    if name in SHAPES:
        return f"{name} is no table: `chatfold export {name} --to PLACE`, then --over PLACE."
    return f"There is no table {name!r}; there are {tables}."
