"""What is bound to the tables of a schema and must follow when others take their place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncpg

    from projections.shapes import Connection

# Views and functions are bound to tables by number and not by name.
_OURS: Final = """
ours AS (SELECT c.oid, c.reltype FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = ANY($2))
"""
_READ_BY: Final = """
read_by AS (SELECT DISTINCT d.refobjid AS source, v.oid AS reader, v.relkind AS kind
            FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass
                                              AND d.objid = r.oid
            JOIN pg_class v ON v.oid = r.ev_class AND v.oid <> d.refobjid
            WHERE d.refclassid = 'pg_class'::regclass)
"""
_VIEWS: Final = f"""
WITH {_OURS}, {_READ_BY}
SELECT r.reader::regclass::text AS name,
       pg_get_viewdef(r.reader) AS definition,
       coalesce((SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = r.reader), '')
           AS options,
       array_agg(r.source::regclass::text) FILTER (WHERE s.relkind = 'v') AS reads
FROM read_by r JOIN pg_class s ON s.oid = r.source
WHERE r.kind = 'v' AND r.reader IN (SELECT b.reader FROM read_by b JOIN ours o ON o.oid = b.source)
GROUP BY r.reader
"""  # noqa: S608  # of constants
_FUNCTIONS: Final = f"""
WITH {_OURS}
SELECT DISTINCT p.oid, pg_get_functiondef(p.oid) AS definition
FROM pg_depend d JOIN ours o ON d.refclassid = 'pg_class'::regclass AND d.refobjid = o.oid
JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
ORDER BY p.oid
"""  # noqa: S608
_OBSTACLES: Final = f"""
WITH {_OURS}, {_READ_BY}
SELECT 'materialized view ' || r.reader::regclass FROM read_by r JOIN ours o ON o.oid = r.source
WHERE r.kind = 'm'
UNION SELECT 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass
FROM pg_trigger t JOIN ours o ON o.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION SELECT 'policy ' || p.polname || ' on ' || p.polrelid::regclass
FROM pg_policy p JOIN ours o ON o.oid = p.polrelid
UNION SELECT 'publication ' || b.pubname || ' of ' || p.prrelid::regclass
FROM pg_publication_rel p JOIN ours o ON o.oid = p.prrelid
JOIN pg_publication b ON b.oid = p.prpubid
UNION SELECT 'foreign key ' || k.conname || ' of ' || k.conrelid::regclass
FROM pg_constraint k JOIN ours o ON o.oid IN (k.confrelid, k.conrelid) WHERE k.contype = 'f'
UNION SELECT 'child table ' || i.inhrelid::regclass
FROM pg_inherits i JOIN ours o ON o.oid IN (i.inhparent, i.inhrelid)
UNION SELECT 'use of a row type by ' || pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_depend d JOIN ours o ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN
    (o.reltype, (SELECT typarray FROM pg_type WHERE oid = o.reltype)) AND d.deptype = 'n'
ORDER BY 1
"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view as it is bound again by its text."""

    name: str
    statement: str
    reads: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependents:
    """What follows: views, those first that read others; statements that bind all again."""

    views: Sequence[View]
    functions: Sequence[str]

    @property
    def statements(self) -> list[str]:
        """Bind everything to the tables that now have the names."""
        return [*(view.statement for view in self.views), *self.functions]


async def dependents(connection: "Connection", schema: str, tables: Sequence[str]) -> Dependents:
    """What is bound to the tables, its texts as they read with `search_path` set to `schema`."""
    views = [_view(row) for row in await connection.fetch(_VIEWS, schema, tables)]
    functions = await connection.fetch(_FUNCTIONS, schema, tables)
    return Dependents(
        views=_readers_first(views), functions=[row["definition"] for row in functions]
    )


async def obstacles(connection: "Connection", schema: str, tables: Sequence[str]) -> list[str]:
    """What is bound to the tables and cannot follow."""
    return [row[0] for row in await connection.fetch(_OBSTACLES, schema, tables)]


def _view(row: "asyncpg.Record") -> View:
    options = f" WITH ({row['options']})" if row["options"] else ""
    statement = f"CREATE OR REPLACE VIEW {row['name']}{options} AS {row['definition']}"
    return View(
        name=str(row["name"]),
        statement=statement.rstrip(";"),
        reads=frozenset(row["reads"] or ()),
    )


def _readers_first(views: Iterable[View]) -> list[View]:
    """In the order in which a query takes its locks: a view, then what it reads."""
    by_name = {view.name: view for view in views}
    sorter = TopologicalSorter({name: view.reads & set(by_name) for name, view in by_name.items()})
    return [by_name[name] for name in reversed(list(sorter.static_order()))]
