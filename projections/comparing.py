"""Two builds, table by table: counts, checksums by range, and the first rows that differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from projections.tables import Table
from schemas import codec

if TYPE_CHECKING:
    from projections.shapes import Connection

# A row's text holds every column; two sums of 64 bits with other seeds make a collision of two
# different tables no concern.
_SUMS: Final = """
SELECT (hashtextextended({key}::text, 0) & 255)::integer AS range, count(*) AS rows,
       sum(hashtextextended(t::text, 1))::text || '/' || sum(hashtextextended(t::text, 2)) AS sum
FROM {schema}.{table} t GROUP BY 1
"""
_DIFFERENT: Final = """
WITH a AS (SELECT {key} AS key, t AS row FROM {a}.{table} t
           WHERE hashtextextended({key}::text, 0) & 255 = ANY($1)),
     b AS (SELECT {key} AS key, t AS row FROM {b}.{table} t
           WHERE hashtextextended({key}::text, 0) & 255 = ANY($1))
SELECT to_jsonb(a.row)::text AS a, to_jsonb(b.row)::text AS b
FROM a FULL JOIN b ON a.key = b.key
WHERE a.row::text IS DISTINCT FROM b.row::text
ORDER BY coalesce(a.key, b.key) LIMIT $2
"""

Range = tuple[int, str]
"""Rows and checksum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDifference:
    """One row that differs: its key, and each differing column in the first and the second.

    `only_in` is `first` or `second` where the other has no such row.
    """

    key: Mapping[str, object]
    columns: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    only_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """How one table compares."""

    table: str
    rows: tuple[int, int]
    ranges_that_differ: int
    examples: Sequence[RowDifference] = ()

    @property
    def is_equal(self) -> bool:
        """Whether all rows are the same."""
        return not self.ranges_that_differ


async def compare(
    connection: "Connection", table: Table, *, first: str, second: str, limit: int
) -> TableDifference:
    """The table in two schemas; `limit` rows are told at most."""
    a, b = await sums(connection, table, first), await sums(connection, table, second)
    differ = sorted(number for number in a.keys() | b.keys() if a.get(number) != b.get(number))
    examples = await _examples(connection, table, (first, second), differ, limit) if differ else []
    return TableDifference(
        table=table.name,
        rows=(sum(rows for rows, _ in a.values()), sum(rows for rows, _ in b.values())),
        ranges_that_differ=len(differ),
        examples=examples,
    )


async def sums(connection: "Connection", table: Table, schema: str) -> dict[int, Range]:
    """Rows and checksum of each range of keys; a range is a 256th of them, by hash."""
    statement = _SUMS.format(key=_key(table), schema=schema, table=table.name)
    rows = await connection.fetch(statement)
    return {row["range"]: (row["rows"], row["sum"]) for row in rows}


async def _examples(
    connection: "Connection",
    table: Table,
    schemas: tuple[str, str],
    ranges: Sequence[int],
    limit: int,
) -> list[RowDifference]:
    statement = _DIFFERENT.format(key=_key(table), a=schemas[0], b=schemas[1], table=table.name)
    rows = await connection.fetch(statement, ranges, limit)
    return [difference(table, _object(row["a"]), _object(row["b"])) for row in rows]


def difference(
    table: Table, first: Mapping[str, object] | None, second: Mapping[str, object] | None
) -> RowDifference:
    """How the two rows of one key differ."""
    there = first or second or {}
    key = {name: there.get(name) for name in table.key}
    if first is None or second is None:
        return RowDifference(key=key, only_in="second" if first is None else "first")
    names = [name for name in first.keys() | second.keys() if first.get(name) != second.get(name)]
    columns = {name: (first.get(name), second.get(name)) for name in sorted(names)}
    return RowDifference(key=key, columns=columns)


def _key(table: Table) -> str:
    return f"ROW({', '.join(table.key)})"


def _object(text: str | None) -> Mapping[str, object] | None:
    if text is None:
        return None
    value = codec.loads(text.encode())
    if not isinstance(value, dict):
        raise TypeError(f"a row is an object, not {type(value).__name__}")
    return value
