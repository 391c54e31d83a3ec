"""`chatfold export`: the log and the tables as files for analysts."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chatfold import clock, collector, extras, moments, settings
from chatfold.archive.storage import opened
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.cli.stopping import STOPPED, stop_on_signals
from chatfold.export.asked import Choice, Exported, Format, Told, Wanted
from chatfold.export.shapes import SHAPES, Shape
from chatfold.refusal import Refusal


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
        str | None, typer.Option(help=f"Only rows of times from then on: {moments.WAYS}.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only rows of times before then, told likewise.")
    ] = None,
    parallel: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Processes that share the partitions of a log; else 2 where it is long, or 1."
            " A table is read by one.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Begin anew, in place of what is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the log or tables as files, by tenant and day, for DuckDB, pandas and others.

    `events` and `inbox` are read from the archive as far as Kafka no longer has them; run it again
    and it goes on where the log was then. Tables are exported once, and anew with `--again`. An
    export that was ended, by whatever, goes on when it is run again with the same options, and no
    row is there twice; `--since 2h` then still means two hours before it began.
    docs/reference/exports.md has every column.

    With `--json` each line is the progress, the last one what is there. The exit code is 1 if it
    was stopped.

    `chatfold export events messages --to ./export --since 90d`

    `chatfold export events --to s3://bucket/export --tenant acme --until 2026-01-05T20:00`
    """
    with explained():
        extras.require("pyarrow")
        choice = Choice(format=file_format.value, tenant=tenant, since=since, until=until)
        choice.rows(clock.now())  # refuses what is no time before anything is asked
        shapes = [_shape(name) for name in what]
        done = list(_run(shapes, to, choice, again=again, processes=parallel, as_json=as_json))
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        _show(done)
    if any(one.is_stopped for one in done):
        raise typer.Exit(STOPPED)


def _run(
    shapes: Sequence[Shape],
    to: str,
    choice: Choice,
    *,
    again: bool,
    processes: int | None,
    as_json: bool,
) -> Iterator[Exported]:
    """One after the other, until one is stopped."""
    from chatfold.export import arrow, running  # noqa: PLC0415  # Arrow is in an extra

    arrow.spare()
    collector.relax()
    storage = opened(to, Path(), named_by="--to")
    chosen = settings.load()

    async def run(wanted: Wanted, told: Told) -> Exported:
        return await running.export(chosen, storage, wanted, told, stop_on_signals())

    for shape in shapes:
        wanted = Wanted(shape=shape, choice=choice, again=again, processes=processes)
        with _progress(shape.name, as_json=as_json) as told:
            done = uvloop.run(run(wanted, told))
        yield done
        if done.is_stopped:
            return


def _shape(name: str) -> Shape:
    if name not in SHAPES:
        raise Refusal(f"{name!r} is none of {', '.join(SHAPES)}.")
    return SHAPES[name]


def _show(done: Sequence[Exported]) -> None:
    for one in done:
        told = f"{one.what}: {one.new_rows} rows more, {one.rows} in all, in {one.where}"
        typer.echo(f"{told}; stopped, run it again to go on" if one.is_stopped else told)


@contextmanager
def _progress(what: str, *, as_json: bool) -> Iterator[Told]:
    """A bar, or lines of JSON that a program sees at once, through a pipe too."""
    if not as_json:
        with progress(what, quiet=False) as told:
            yield told
        return

    def told_in_json(done: int, total: int) -> None:
        ratio = round(done / total, 4) if total else 1.0
        print_json({"what": what, "done": done, "total": total, "ratio": ratio})
        sys.stdout.flush()

    yield told_in_json


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Told]:
    """A bar on a terminal, else nothing."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
