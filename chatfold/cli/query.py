"""`chatfold query`: SQL over an export or over the tables."""

import asyncio
import csv
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from chatfold import extras, settings, standing
from chatfold.archive.storage import StorageUnavailable, opened
from chatfold.cli.output import AsJson, explained, plain, print_json
from chatfold.export.shapes import SHAPES
from chatfold.refusal import Refusal

TABLES = ", ".join(shape.name for shape in SHAPES.values() if not shape.is_log)


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(help=HELP)(query)


HELP = f"""
Run a SELECT in DuckDB, over the tables or with `--over PLACE` over an export.

Over the tables it can name {TABLES}; each one that it names is read whole, as it is now.
`messages` has the archived ones too, with `is_archived`. Over an export it names what was exported,
each with the columns `tenant` and `day` beside its own.
"""


def query(
    sql: Annotated[str, typer.Argument(help="A SELECT in DuckDB's dialect.")],
    over: Annotated[
        str | None, typer.Option(help="A folder or bucket with an export; else the tables.")
    ] = None,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets.")] = False,
) -> None:
    """Run a SELECT; see `HELP`."""
    with explained():
        extras.require("duckdb", "pyarrow")
        columns, rows = asyncio.run(_answer(sql, over))
    if as_json:
        print_json(rows)
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, columns)
        writer.writeheader()
        writer.writerows(rows)
    else:
        _show(columns, rows)


async def _answer(sql: str, over: str | None) -> tuple[list[str], list[dict[str, object]]]:
    from chatfold.export import querying  # noqa: PLC0415  # DuckDB is in an extra

    try:
        if over is not None:
            found = await querying.over_export(opened(over, Path(), named_by="--over"), sql)
        else:
            loaded = settings.load()
            archive = standing.archive(loaded).storage
            found = await querying.over_tables(loaded, archive, sql)
    except StorageUnavailable as error:
        raise Refusal(f"The storage cannot be used: {error}.") from None
    return found.columns, found.rows


def _show(columns: list[str], rows: list[dict[str, object]]) -> None:
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(plain("-" if row[name] is None else row[name]) for name in columns))
    Console().print(table)
