"""`chatfold projections`: make tables and views anew beside the live ones, compare, promote."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, TypeVar

import asyncpg
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from chatfold import clock, collector, moments, settings, telemetry
from chatfold.cli import rebuild_progress
from chatfold.cli.output import AsJson, explained, plain, print_json
from chatfold.cli.stopping import STOPPED, stop_on_signals
from chatfold.rebuilding import rebuild as rebuilding
from chatfold.rebuilding import standing as standings
from chatfold.rebuilding import swap
from chatfold.rebuilding.asked import WAYS, Asked
from chatfold.rebuilding.checks import Verified
from chatfold.rebuilding.diff import diff as differences
from chatfold.rebuilding.progress import Show
from chatfold.rebuilding.rebuild import Wanted
from chatfold.rebuilding.sample import Sample
from chatfold.rebuilding.target import Difference, Target
from chatfold.rebuilding.targets import names, opened
from chatfold.rebuilding.verify import verify as verified
from chatfold.refusal import Refusal
from projections.build import Build, Promoted
from projections.comparing import RowDifference
from projections.parked_facts import PoisonFact
from projections.sink import Fenced, ProjectionRefused, SinkUnavailable

T = TypeVar("T")

Ask = Callable[[Target], Awaitable[T]]

DIFFERENT = 1

app = typer.Typer(
    name="projections",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""
    Make tables or views anew from the log beside the live ones, compare the two, and swap them.

    `rebuild` fills a build of its own while everything goes on; `diff` and `verify` judge it;
    `promote` lets it take the place of the live one between two reads; `rollback` takes that back.
    """,
)

Name = Annotated[str, typer.Argument(help="The projection, as `list` names it.")]
Patience = Annotated[
    float, typer.Option(min=1, help="Seconds to go on trying while readers are in the way.")
]
Limit = Annotated[int, typer.Option(min=0, max=1000, help="Rows to show of each table.")]


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """List every build of every projection: version, state, what it holds, since when."""
    found = [row for name in _known() for row in _asked(name, _if_there(standings.listed))]
    _rows([asdict(row) for row in found], as_json=as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show how far every build is, how far behind the log, how fast, and when it last moved."""

    async def look(target: Target) -> list[standings.Standing]:
        return await standings.standing(target, clock.now())

    found = [row for name in _known() for row in _asked(name, _if_there(look))]
    _rows([asdict(row) for row in found], as_json=as_json)


@app.command()
def rebuild(  # noqa: PLR0917  # typer gives them by name
    name: Name,
    first: Annotated[
        str | None, typer.Option("--from", help=f"Facts appended from then on: {WAYS}.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Only those before, told likewise; itself left out.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's facts.")] = None,
    chat: Annotated[str | None, typer.Option(help="Only this chat's facts, by its id.")] = None,
    into: Annotated[str | None, typer.Option(help="A name for the build.")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Processes that share it.")] = 1,
    throttle: Annotated[
        float | None, typer.Option(min=1, help="At most so many records a second.")
    ] = None,
    metrics_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Serve /metrics there while it runs; 0 = not.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Build a projection anew from the log, beside the live one.

    Stopped or killed, the same command goes on where it was. With `--json` each line is the
    progress, the last one the build. A build of a part of the log can be compared, and queried in
    its schema, but not promoted. The exit code is 1 if it was stopped.

    The tables as they were an hour ago, at the end of October, and what two days have brought:

    `chatfold projections rebuild tables --until "1h ago"`

    `chatfold projections rebuild tables --until 2026-11-01 --into october`

    `chatfold projections rebuild tables --from 2d --tenant acme`
    """
    with explained():
        asked = Asked(first=_fixed(first), until=_fixed(until), tenant=tenant, chat=chat)
    wanted = Wanted(
        asked=asked,
        into=into,
        processes=parallel,
        per_second=throttle,
    )

    async def run(target: Target, show: Show) -> tuple[Build, Sequence[PoisonFact]]:
        stop = stop_on_signals()
        async with _metrics(metrics_port):
            built = await rebuilding.rebuild(target, wanted, show, stop)
        return built, await target.waiting(built)

    with rebuild_progress.shown(as_json=as_json) as show:
        built, waiting = _asked(name, lambda target: run(target, show))
    _show_built(built, waiting, as_json=as_json)
    if built.state == "filling":
        raise typer.Exit(STOPPED)


@app.command()
def diff(  # noqa: PLR0917  # as above
    name: Name,
    first: Annotated[str, typer.Argument(help="A build, or live.")] = "live",
    second: Annotated[str | None, typer.Argument(help="Another; else the newest.")] = None,
    catch_up: Annotated[
        bool,
        typer.Option(help="Bring the other one up to the live one first, so that it is exact."),
    ] = True,
    limit: Limit = 5,
    as_json: AsJson = False,
) -> None:
    """Compare two builds: rows, checksums by range of keys, and the first rows that differ.

    Views are compared one by one; of one whose time is over, what stays of it.

    The exit code is 1 if they differ.
    """

    async def run(target: Target) -> Difference:
        other = second or await _newest(target, first)
        return await differences(target, first, other, catches_up=catch_up, limit=limit)

    found = _asked(name, run)
    if as_json:
        print_json(asdict(found) | {"is_exact": found.is_exact, "is_equal": found.is_equal})
    else:
        _show_difference(found)
    if not found.is_equal:
        raise typer.Exit(DIFFERENT)


@app.command()
def promote(
    name: Name,
    build: Annotated[str | None, typer.Argument(help="Else the newest that is ready.")] = None,
    patience: Patience = 60.0,
    as_json: AsJson = False,
) -> None:
    """Let a build take the place of the live one; that one is kept for `rollback`.

    Readers see one or the other, whole; views and functions follow. The projector goes on from the
    position of the new one.
    """
    done = _asked(name, lambda t: swap.promote(t, build, timedelta(seconds=patience)))
    _tell(as_json, done, f"build {done.now} of {name} is live; {done.before} is kept")


@app.command()
def rollback(
    name: Name,
    build: Annotated[str | None, typer.Argument(help="Else the last that was live.")] = None,
    patience: Patience = 60.0,
    as_json: AsJson = False,
) -> None:
    """Let a build that was live before be live again, brought up to what readers have seen.

    One of another version of the program stays as it was, for the projector of that version.
    """
    done = _asked(name, lambda t: swap.roll_back(t, build, timedelta(seconds=patience)))
    _tell(as_json, done, f"build {done.now} of {name} is live again; {done.before} is kept")


@app.command()
def drop(
    name: Name,
    builds: Annotated[
        list[str] | None, typer.Argument(help="Which; else all that were live before.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remove builds that are not live, with all that they hold."""
    dropped = _asked(name, lambda target: swap.drop(target, builds or []))
    if as_json:
        print_json({"dropped": dropped})
    else:
        print(f"dropped {', '.join(dropped) or 'nothing'}")


@app.command()
def verify(  # noqa: PLR0917  # as above
    name: Name,
    build: Annotated[str, typer.Argument(help="A build, or live.")] = "live",
    sample: Annotated[
        float, typer.Option(min=0.01, max=100, help="Of so many chats in a hundred.")
    ] = 100.0,
    chat: Annotated[str | None, typer.Option(help="Of this chat only, by its id.")] = None,
    limit: Limit = 5,
    as_json: AsJson = False,
) -> None:
    """Fold the log once more, plainly and in memory, and compare it with the tables or views.

    It reads tables as they are at one moment, and the log up to there; views while they change,
    each up to its own last fact. A whole log is folded a partition at a time. The exit code is 1
    if a row or a view is wrong.
    """

    async def run(target: Target) -> list[Verified]:
        chosen = Sample(percent=sample, chat=chat)
        return await verified(target, build, chosen, limit=limit, stop=asyncio.Event())

    found = _asked(name, run)
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        _show_verified(found)
    if any(one.wrong for one in found):
        raise typer.Exit(DIFFERENT)


def _fixed(text: str | None) -> str | None:
    """How long ago as a time that stays, told: the build is only gone on with for that one."""
    if text is None or not moments.is_ago(text):
        return text
    told = moments.moment(text, clock.now()).isoformat(timespec="milliseconds")
    print(f"{text} is {told}: give that to go on with the build if it is stopped", file=sys.stderr)
    return told


def _known() -> list[str]:
    with explained():
        return names(settings.load())
    raise AssertionError("explained() returns or exits")


def _if_there(ask: Ask[list[T]]) -> Ask[list[T]]:
    """The same, but a store of views that is away is told of, and does not hide the tables."""

    async def run(target: Target) -> list[T]:
        try:
            return await ask(target)
        except SinkUnavailable as error:
            print(f"{target.name} are not shown ({error}); see REDIS_URL", file=sys.stderr)
            return []

    return run


def _asked(name: str, ask: Ask[T]) -> T:
    async def run() -> T:
        async with opened(settings.load(), name) as target:
            return await ask(target)

    with explained(), _refusing():
        collector.relax()
        return uvloop.run(run())
    raise AssertionError("explained() returns or exits")


@contextmanager
def _refusing() -> Iterator[None]:
    """What a person can mend, as a sentence."""
    try:
        yield
    except (ProjectionRefused, SinkUnavailable, Fenced) as refused:
        raise Refusal(str(refused)) from None
    except ExceptionGroup as group:
        raise Refusal("; ".join(str(one) for one in group.exceptions)) from group
    except (OSError, asyncpg.InvalidCatalogNameError) as error:
        raise Refusal(f"PostgreSQL cannot be used ({error}): try `chatfold doctor`") from None
    except asyncpg.UndefinedTableError as error:
        raise Refusal(f"{error}: run `chatfold migrate up`") from None


@asynccontextmanager
async def _metrics(port: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        if port:
            await stack.enter_async_context(telemetry.serve_health(port, _ready))
        yield


async def _ready() -> Sequence[str]:
    return ()


async def _newest(target: Target, first: str) -> str:
    known = [one for one in await target.builds() if one.name != first]
    others = [build for build in known if build.state != "live" or first != "live"]
    if not others:
        raise Refusal("there is no other build: `chatfold projections rebuild` makes one")
    return others[-1].name


def _tell(as_json: bool, value: Build | Promoted, text: str) -> None:
    if as_json:
        print_json(value)
    else:
        print(text)


def _show_built(built: Build, waiting: Sequence[PoisonFact], *, as_json: bool) -> None:
    """A build that lacks facts says which."""
    lacks = [
        {"origin": fact.origin, "reason": fact.reason, "behind": fact.behind} for fact in waiting
    ]
    if as_json:
        print_json(asdict(built) | {"waiting": lacks})
        return
    print(f"build {built.name} of {built.projection} is {built.state}")
    for fact in waiting:
        told = (
            f"{fact.origin} cannot be folded, {fact.behind} of its chat wait behind: {fact.reason}"
        )
        Console(soft_wrap=True, stderr=True).print(plain(told))


def _rows(rows: Sequence[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    table = Table(*(rows[0] if rows else ()), box=None)
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row.values()))
    Console().print(table)


def _show_difference(found: Difference) -> None:
    console = Console()
    first, second = found.builds
    table = Table("table", first, second, "ranges that differ", box=None)
    for one in found.tables:
        table.add_row(one.table, *map(str, one.rows), str(one.ranges_that_differ))
    console.print(table)
    if not found.is_exact:
        console.print(f"not exact: {first} is at {found.at[0]}, {second} at {found.at[1]}")
    for one in found.tables:
        _show_examples(console, one.table, one.examples, (first, second))


def _show_verified(found: Sequence[Verified]) -> None:
    console = Console()
    table = Table("table", "rows", "wrong", box=None)
    for one in found:
        table.add_row(one.table, str(one.rows), str(one.wrong))
    console.print(table)
    for one in found:
        _show_examples(console, one.table, one.examples, ("table", "log"))


def _show_examples(
    console: Console, table: str, examples: Sequence[RowDifference], names: tuple[str, str]
) -> None:
    for row in examples:
        key = ", ".join(f"{name} {value}" for name, value in row.key.items())
        where = dict(zip(("first", "second"), names, strict=True))
        only = f" only in {where[row.only_in]}" if row.only_in else ""
        console.print(plain(f"{table}: {key}{only}"))
        for column, (first, second) in row.columns.items():
            console.print(plain(f"  {column}: {names[0]} {first!r}, {names[1]} {second!r}"))
