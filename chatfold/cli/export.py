"""`chatfold export`: the log and the tables as files for analysts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chatfold import collector, extras, settings
from chatfold.archive.storage import opened
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.export.exporting import Choice, Format
from chatfold.export.running import Exported, Told
from chatfold.export.running import export as run_export
from chatfold.export.shapes import SHAPES, Shape
from chatfold.refusal import Refusal

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(export)


def export(  # noqa: PLR0917  # typer names them
    what: Annotated[list[str], typer.Argument(help=f"What: {', '.join(SHAPES)}.")],
    to: Annotated[str, typer.Option(help="A folder, or an s3://, gs:// or az:// URL.")],
    file_format: Annotated[
        Format, typer.Option("--format", help="Parquet, or lines of JSON, gzipped.")
    ] = Format.PARQUET,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only this day (UTC) and later.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only days before this one.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Begin anew, in place of what is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the log or tables as files, by tenant and day, for DuckDB, pandas and others.

    `events` and `inbox` are read from the archive as far as Kafka no longer has them; run it again
    and it goes on where the log was then. Tables are exported once, and anew with `--again`. An
    export that was ended, by whatever, goes on when it is run again, and no row is there twice.
    docs/reference/exports.md has every column.
    """
    with explained():
        extras.require("pyarrow")
        choice = Choice(
            format=file_format.value, tenant=tenant, since=_day(since), until=_day(until)
        )
        done = [_run(_shape(name), to, choice, again=again, quiet=as_json) for name in what]
    if as_json:
        print_json([asdict(one) for one in done])
        return
    for one in done:
        typer.echo(f"{one.what}: {one.new_rows} rows more, {one.rows} in all, in {one.where}")


def _run(shape: Shape, to: str, choice: Choice, *, again: bool, quiet: bool) -> Exported:
    storage = opened(to, Path(), named_by="--to")
    collector.relax()
    with progress(shape.name, quiet=quiet) as told:
        return uvloop.run(
            run_export(settings.load(), storage, shape, choice, again=again, told=told)
        )


def _shape(name: str) -> Shape:
    if name not in SHAPES:
        raise Refusal(f"{name!r} is none of {', '.join(SHAPES)}.")
    return SHAPES[name]


def _day(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d}" if moment else None


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Told]:
    """A bar on a terminal, else nothing."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
