"""`chatfold demo`: everything at once, on this machine, checked against what was sent."""

import asyncio
import signal
import sys
from dataclasses import asdict
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from chatfold import clock, settings
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.demo import outcome, play, script, stage
from chatfold.demo.outcome import Outcome
from chatfold.stack import Stack

SETTLE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.3


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(demo)


def demo(
    leave: Annotated[
        bool, typer.Option("--exit", help="Stop everything at the end, also on a terminal.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run every role on this machine and play webhooks of every kind through them.

    Real Kafka, PostgreSQL and Valkey; WhatsApp and Telegram are played by a sandbox. The result
    is checked against what was sent: the exit code is 1 if anything is missing or doubled.
    On a terminal it stays up afterwards and names the addresses to look at.
    """
    with explained():
        stays = sys.stdout.isatty() and not leave
        found = uvloop.run(_demo(stays=stays, as_json=as_json))
    if found.missing or found.doubled:
        raise typer.Exit(1)


async def _demo(*, stays: bool, as_json: bool) -> Outcome:
    own = stage.of_its_own(settings.load(), clock.now())
    set_stage = stage.Stage(own, Stack(settings.load()))
    was_running = all(one.healthy for one in set_stage.stack.status())
    console = Console(stderr=True, highlight=False)
    try:
        with _progress(console) as progress:
            step = progress.add_task("starting", total=None)
            await stage.set_up(set_stage, lambda what: progress.update(step, description=what))
            found = await _perform(set_stage, progress)
        print_json(asdict(found)) if as_json else _show(found)
        if stays:
            await _stay(set_stage, console)
        return found
    finally:
        await stage.tear_down(set_stage, stop_stack=not was_running)


async def _perform(set_stage: stage.Stage, progress: Progress) -> Outcome:
    plan, played = script.webhooks(), play.Played()
    wanted = script.expected(plan)
    posted = progress.add_task("webhooks posted", total=len(plan))
    replied = progress.add_task("replies received", total=len(wanted.replies))
    playing = asyncio.create_task(play.play(plan, set_stage.gateway_url, played))
    deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
    while True:
        found = await outcome.look(set_stage, played, wanted)
        progress.update(posted, completed=played.posted)
        progress.update(replied, completed=found.replies_received_by_sandbox)
        late = asyncio.get_running_loop().time() > deadline
        if late or (playing.done() and outcome.is_complete(found, wanted)):
            break
        await asyncio.sleep(LOOK_SECONDS)
    await playing
    return outcome.with_surprises(found, played)


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:24}"),
        TextColumn("{task.completed:.0f}"),
        TimeElapsedColumn(),
        console=console,
        transient=not console.is_terminal,
    )


async def _stay(set_stage: stage.Stage, console: Console) -> None:
    console.print("\nEverything stays up until Ctrl-C. Look at:")
    for child in (*set_stage.roles.values(), set_stage.sandbox):
        if child is not None:
            console.print(f"  {child.name:10} {child.url}/metrics   log: {child.log}")
    console.print(f"  received   {set_stage.sandbox_url}/_sandbox/requests")
    console.print(
        f"  tables     {set_stage.settings.database}, schema {set_stage.settings.database_schema}"
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _show(found: Outcome) -> None:
    table = Table("what", "count", title="What came of it", box=None, title_justify="left")
    for name, value in asdict(found).items():
        table.add_row(name.replace("_", " "), _words(value))
    Console().print(table)


def _words(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
        case list():
            return "\n".join(map(str, value)) or "none"
        case _:
            return str(value)
