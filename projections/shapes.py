"""Tables made anew from the definition of others: columns, constraints, indexes, rights."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

# A unique index decides what a row may be, so it must be there from the first row on; all others
# only find rows, and are made when the rows are there.
_INDEXES: Final = """
SELECT t.relname AS table_name, c.relname AS index_name,
       pg_get_indexdef(i.indexrelid) AS definition,
       pg_get_constraintdef(k.oid) AS constraint_definition, i.indisunique AS is_unique
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
WHERE n.nspname = $1 AND t.relname = ANY($2) ORDER BY t.relname, c.relname
"""
_OPTIONS: Final = """
SELECT coalesce(array_to_string(reloptions, ', '), '') FROM pg_class WHERE oid = $1::regclass
"""
_RIGHTS: Final = """
SELECT format('GRANT %s ON {new}.%I TO %s%s', a.privilege_type, t.relname, g.name, g.option)
FROM pg_class t CROSS JOIN aclexplode(t.relacl) a CROSS JOIN LATERAL {grantee}
WHERE t.relnamespace = '{old}'::regnamespace AND t.relname = ANY($1) AND a.grantee <> t.relowner
UNION ALL
SELECT format('GRANT %s (%I) ON {new}.%I TO %s%s', a.privilege_type, c.attname, t.relname, g.name,
              g.option)
FROM pg_class t JOIN pg_attribute c ON c.attrelid = t.oid AND NOT c.attisdropped
CROSS JOIN aclexplode(c.attacl) a CROSS JOIN LATERAL {grantee}
WHERE t.relnamespace = '{old}'::regnamespace AND t.relname = ANY($1) AND a.grantee <> t.relowner
"""
_COLUMNS: Final = """
SELECT t.relname, c.attname, format_type(c.atttypid, c.atttypmod)
FROM pg_attribute c JOIN pg_class t ON t.oid = c.attrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname = $1 AND t.relname = ANY($2) AND c.attnum > 0 AND NOT c.attisdropped
"""
_GRANTEE: Final = """
(SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS name,
        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option) g
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index of one table, as statements that make it on a table of the same name."""

    table: str
    name: str
    is_unique: bool
    statement: str


async def make(connection: "Connection", tables: Iterable[str], *, old: str, new: str) -> None:
    """Make the tables of `old` in `new`, empty, with none but their unique indexes."""
    names = list(tables)
    for name in names:
        await connection.execute(await _table(connection, name, old=old, new=new))
    for index in await indexes(connection, names, old=old, new=new):
        if index.is_unique:
            await connection.execute(index.statement)


async def indexes(
    connection: "Connection", tables: Sequence[str], *, old: str, new: str
) -> list[Index]:
    """Every index of the tables of `old`, for those of `new`."""
    return [_index(row, old=old, new=new) for row in await connection.fetch(_INDEXES, old, tables)]


async def columns(
    connection: "Connection", tables: Sequence[str], *, schema: str
) -> set[tuple[str, str, str]]:
    """Table, name and type of every column."""
    return {(row[0], row[1], row[2]) for row in await connection.fetch(_COLUMNS, schema, tables)}


async def rights(
    connection: "Connection", tables: Sequence[str], *, old: str, new: str
) -> list[str]:
    """Statements that grant on the tables of `new` what is granted on those of `old`."""
    statement = _RIGHTS.format(old=old, new=new, grantee=_GRANTEE)
    return [row[0] for row in await connection.fetch(statement, tables)]


async def _table(connection: "Connection", name: str, *, old: str, new: str) -> str:
    options: str = await connection.fetchval(_OPTIONS, f"{old}.{name}")
    storage = f" WITH ({options})" if options else ""
    return f"CREATE TABLE {new}.{name} (LIKE {old}.{name} INCLUDING ALL EXCLUDING INDEXES){storage}"


def _index(row: asyncpg.Record, *, old: str, new: str) -> Index:
    table, name = row["table_name"], row["index_name"]
    if row["constraint_definition"]:
        rule = row["constraint_definition"]
        statement = f"ALTER TABLE {new}.{table} ADD CONSTRAINT {name} {rule}"
    else:
        statement = _moved(row["definition"], f" ON {old}.{table} ", f" ON {new}.{table} ")
        statement = statement.replace(" INDEX ", " INDEX IF NOT EXISTS ", 1)
    return Index(table=table, name=name, is_unique=row["is_unique"], statement=statement)


def _moved(definition: str, here: str, there: str) -> str:
    if here not in definition:
        raise AssertionError(f"{definition!r} does not name {here!r}")
    return definition.replace(here, there, 1)
