"""`chatfold migrate`: bring the database to the shape this version needs."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

from chatfold import migrate, settings
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.migrate import Applied, MigrationRefused

app = typer.Typer(
    name="migrate",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
    Bring the tables in `DATABASE_URL`, schema `CHATFOLD_DATABASE_SCHEMA`, to this version's shape.

    Migrations are plain SQL files, applied in order, each in a transaction of its own. Several
    instances may start at once. A file that was changed after it was applied is refused.
    """,
)

_COLUMNS = ("version", "name", "state", "applied_at")


@app.command()
def up(as_json: AsJson = False) -> None:
    """Apply every migration that is missing; running it again changes nothing."""
    with explained():
        chosen = settings.load()
        done = asyncio.run(migrate.migrate(chosen.database, chosen.database_schema))
    if as_json:
        print_json({"applied": [one.version for one in done]})
        return
    for one in done:
        print(f"applied {one.version}  {one.name}")
    print(f"schema {chosen.database_schema} is up to date")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show every migration and when it was applied.

    The exit code is 1 if one is missing, and 2 if the schema cannot be used by this version.
    """
    with explained():
        chosen = settings.load()
        there = asyncio.run(migrate.applied(chosen.database, chosen.database_schema))
        rows, problems = _rows(there), migrate.problems(migrate.available(), there)
        if as_json:
            print_json({"migrations": rows, "problems": problems})
        else:
            _show(rows)
        if problems:
            raise MigrationRefused("\n".join(problems))
    if any(row["state"] == "missing" for row in rows):
        raise typer.Exit(1)


def _rows(there: dict[str, Applied]) -> list[dict[str, object]]:
    known = {one.version: one for one in migrate.available()}
    return [
        {
            "version": version,
            "name": (known.get(version) or there[version]).name,
            "state": migrate.state(known.get(version), there.get(version)),
            "applied_at": there[version].applied_at if version in there else None,
        }
        for version in sorted({*known, *there})
    ]


def _show(rows: list[dict[str, object]]) -> None:
    table = Table(*_COLUMNS, box=None)
    for row in rows:
        table.add_row(*(str(row[column] or "-") for column in _COLUMNS))
    Console().print(table)
