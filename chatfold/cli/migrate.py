"""`chatfold migrate`: bring the database to the shape this version needs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import asyncpg
import typer
from rich.console import Console
from rich.table import Table

from chatfold import migrate, settings
from chatfold.migrate import Applied, MigrationRefused
from schemas import codec

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

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
_REFUSED = 2


@app.command()
def up(as_json: AsJson = False) -> None:
    """Apply every migration that is missing; running it again changes nothing."""
    with _explained() as chosen:
        done = asyncio.run(migrate.migrate(chosen.database, chosen.database_schema))
    if as_json:
        print(codec.dumps({"applied": [one.version for one in done]}).decode())
        return
    for one in done:
        print(f"applied {one.version}  {one.name}")
    print(f"schema {chosen.database_schema} is up to date")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show every migration and when it was applied.

    The exit code is 1 if one is missing, and 2 if the schema cannot be used by this version.
    """
    with _explained() as chosen:
        there = asyncio.run(migrate.applied(chosen.database, chosen.database_schema))
        refusals = migrate.problems(migrate.available(), there)
    rows = _rows(there)
    if as_json:
        print(codec.dumps({"migrations": rows, "problems": refusals}).decode())
    else:
        _show(rows, refusals)
    if refusals:
        raise typer.Exit(_REFUSED)
    if any(row["state"] == "missing" for row in rows):
        raise typer.Exit(1)


@contextmanager
def _explained() -> Iterator[settings.Settings]:
    """Turn what a person can mend into one message and exit code 2."""
    try:
        yield settings.load()
    except (settings.SettingsError, MigrationRefused) as error:
        _refuse(str(error))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        _refuse(f"PostgreSQL cannot be used ({type(error).__name__}: {error}); see DATABASE_URL.")


def _refuse(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"chatfold: {text}", markup=False)
    raise typer.Exit(_REFUSED) from None


def _rows(there: dict[str, Applied]) -> list[dict[str, object]]:
    known = {one.version: one for one in migrate.available()}
    return [
        {
            "version": version,
            "name": (known.get(version) or there[version]).name,
            "state": _state(version, there),
            "applied_at": there[version].applied_at if version in there else None,
        }
        for version in sorted({*known, *there})
    ]


def _state(version: str, there: dict[str, Applied]) -> str:
    known = {one.version: one.checksum for one in migrate.available()}
    if version not in there:
        return "missing"
    if version not in known:
        return "unknown"
    return "applied" if known[version] == there[version].checksum else "changed"


def _show(rows: list[dict[str, object]], refusals: list[str]) -> None:
    table = Table("version", "name", "state", "applied at", box=None)
    for row in rows:
        table.add_row(
            *(str(row[column] or "-") for column in ("version", "name", "state")),
            str(row["applied_at"] or "-"),
        )
    Console().print(table)
    for one in refusals:
        Console(stderr=True, soft_wrap=True).print(f"chatfold: {one}", markup=False)
