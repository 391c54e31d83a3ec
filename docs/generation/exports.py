"""The columns of every export, from the code that writes them."""

from chatfold.export.shapes import SHAPES, Shape
from docs.generation import Documents
from docs.generation.markdown import code, codes, page, table

TYPES = {
    "timestamptz": "TIMESTAMP WITH TIME ZONE, microseconds, UTC",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "boolean": "BOOLEAN",
    "jsonb": "VARCHAR holding JSON; in lines of JSON the value itself",
    "double precision": "DOUBLE",
}
INTRODUCTION = """\
`chatfold export WHAT… --to PLACE` writes `PLACE/WHAT/tenant=…/day=…/….parquet` (or `.jsonl.gz`).
DuckDB, pandas, Spark and others read `PLACE/WHAT` as it is, and give each row the columns `tenant`
and `day` by the folder's name; what has no tenant or no day is in `__HIVE_DEFAULT_PARTITION__`.

```sql
SELECT day, type, count(*) FROM read_parquet('PLACE/events/**/*.parquet') GROUP BY ALL;
```

```text
pandas.read_parquet("PLACE/messages")
```

`PLACE/_export/WHAT.json` says what the export is of, `PLACE/_export/WHAT/….json` how far each
partition is: with them an export that was ended goes on, and an export of the log goes on when
there is more. Files that they list as `open` do not count yet: an export that is under way, or was
ended, writes them, and removes them first when it goes on. Where a log is cut into files may differ
from run to run, which rows there are does not. Rows of tables are as they were when they were read,
page by page in the order of the key. Messages that
`chatfold archive messages` has moved are in the archive, in the same columns and folders."""


def documents() -> Documents:
    """The page of exports."""
    return {
        "docs/reference/exports.md": page("Exports", INTRODUCTION, *map(_section, SHAPES.values()))
    }


def _section(shape: Shape) -> str:
    told = f"By the day of {code(shape.day)}."
    told += f" Each {codes(shape.key)} is there once." if shape.key else _LOG
    rows = [(code(name), TYPES.get(of, "VARCHAR")) for name, of in shape.columns.items()]
    return f"## `{shape.name}`\n\n{told}\n\n{table(('column', 'type'), rows)}"


_LOG = (
    " Each `partition` and `offset` is there once. `appended_at` is when Kafka took the record,"
    " `time` when the input that began it all reached us; `data` is the record's value, by"
    " [the schema of its type](topics.md)."
)
