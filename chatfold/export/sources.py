"""Where exported rows come from: the log, archive and all, or the tables."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import asyncpg
import pyarrow as pa

from chatfold.archive.reading import LogReader
from chatfold.export import arrow
from chatfold.export.part import Piece, Position
from chatfold.export.shapes import Shape
from chatfold.sharing import Ends

ROWS: Final = "rows"
"""The one source of a table; those of a log are its partitions."""

MOST: Final = 50_000
"""Rows of a piece; some 25 MB of facts while they are written."""


async def of_log(reader: LogReader, topic: str, shape: Shape, ends: Ends) -> AsyncIterator[Piece]:
    """The pieces of a topic, partition after partition."""
    for partition, (first, last) in ends.items():
        begin, held = first, list[pa.Table]()
        async for span in reader.read(topic, partition, begin=first, end=last):
            held.append(arrow.of_log(shape, partition, span.records))
            if sum(map(len, held)) >= MOST or span.end == last:
                yield Piece(
                    source=str(partition),
                    name=f"{partition}-{begin:020}",
                    after=span.end,
                    table=pa.concat_tables(held),
                )
                begin, held = span.end, []


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The tables of a schema, whose name is fit for SQL."""

    connection: asyncpg.Connection
    schema: str

    def name(self, shape: Shape) -> str:
        """The table as SQL names it."""
        return f"{self.schema}.{shape.name}"


async def count(tables: Tables, shape: Shape) -> int:
    """How many rows a table has."""
    query = f"SELECT count(*) FROM {tables.name(shape)}"  # noqa: S608  # names of our own
    return int(await tables.connection.fetchval(query) or 0)


async def of_table(
    tables: Tables, shape: Shape, after: Position | None = None, number: int = 0
) -> AsyncIterator[Piece]:
    """The pieces of a table in the order of its key, those behind `after`."""
    while True:
        table = arrow.of_csv(shape, await _copy(tables, shape, after))
        if not table.num_rows:
            return
        last = table.slice(table.num_rows - 1)
        after = [str(last[name][0].as_py()) for name in shape.key]
        number += 1
        yield Piece(source=ROWS, name=f"{number:09}", after=after, table=table)


async def _copy(tables: Tables, shape: Shape, after: object) -> bytes:
    """Up to `MOST` rows as CSV, those behind the key `after`."""
    values = after if isinstance(after, list) else []
    behind = ""
    if values:
        places = ", ".join(
            f"${n}::text::{shape.columns[name]}" for n, name in enumerate(shape.key, 1)
        )
        behind = f"WHERE ({', '.join(shape.key)}) > ({places})"
    columns = ", ".join(f'"{name}"' for name in shape.columns)
    query = (
        f"SELECT {columns} FROM {tables.name(shape)} {behind}"  # noqa: S608  # names of our own
        f" ORDER BY {', '.join(shape.key)} LIMIT {MOST}"
    )
    sink = io.BytesIO()
    await tables.connection.copy_from_query(query, *values, output=sink, format="csv")
    return sink.getvalue()
