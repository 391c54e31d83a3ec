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
from rich.table import Column, Table

from chatfold import clock, settings
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.demo import outcome, play, scenes, script, stage
from chatfold.demo.expected import Expected, expected
from chatfold.demo.outcome import Outcome
from chatfold.demo.scenes import SCENES, Scene, Seen
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

    Real Kafka, PostgreSQL and Valkey; the six providers and SMS are played by a sandbox. After
    the play, some replies go wrong on purpose: one is tried again by itself, one by an operator,
    two are known only by a status or an echo to have arrived, one takes another way. The result
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
            progress.update(step, description="everything is up", total=1, completed=1)
            found = await _perform(set_stage, progress)
        print_json(asdict(found)) if as_json else _show(found)
        if stays:
            await _stay(set_stage, console)
        return found
    finally:
        await stage.tear_down(set_stage, stop_stack=not was_running)


async def _perform(set_stage: stage.Stage, progress: Progress) -> Outcome:
    """The play, then what is said when all of it is answered, and the scenes meanwhile."""
    plan, played = script.webhooks(), play.Played()
    playing = asyncio.create_task(play.play(plan, set_stage.gateway_url, played))
    counts = _Counts(progress, set_stage, played)
    found = await counts.until(playing, expected(plan))
    if found.missing:
        return outcome.with_surprises(found, played.surprises)
    later = script.afterwards()
    speaking = asyncio.create_task(play.play(later, set_stage.gateway_url, played))
    seen = await asyncio.gather(*(_scene(set_stage, one, played, progress) for one in SCENES))
    found = await counts.until(speaking, scenes.wanted([*plan, *later]))
    named = {scene.name: one for scene, one in zip(SCENES, seen, strict=True)}
    return outcome.with_scenes(outcome.with_surprises(found, played.surprises), named)


class _Counts:
    """Shows on the terminal what was posted and received, until that is all."""

    def __init__(self, progress: Progress, set_stage: stage.Stage, played: play.Played) -> None:
        self._progress = progress
        self._stage = set_stage
        self._played = played
        self._posted = progress.add_task("webhooks posted", total=None)
        self._replied = progress.add_task("replies received", total=None)

    async def until(self, playing: asyncio.Task[None], wanted: Expected) -> Outcome:
        """What has come when nothing is missing, or when the time is over."""
        deadline = asyncio.get_running_loop().time() + SETTLE_SECONDS
        while True:
            found = await outcome.look(self._stage, self._played, wanted)
            self._progress.update(self._posted, completed=self._played.posted)
            self._progress.update(self._replied, completed=found.replies_received_by_sandbox)
            late = asyncio.get_running_loop().time() > deadline
            if late or (playing.done() and not found.missing):
                break
            await asyncio.sleep(LOOK_SECONDS)
        await playing
        return found


async def _scene(
    set_stage: stage.Stage, scene: Scene, played: play.Played, progress: Progress
) -> Seen:
    name = _spoken(scene.name)
    task = progress.add_task(name, total=1)

    def tell(what: str) -> None:
        progress.update(task, description=f"{name}: {what}")

    seen = await scenes.perform(set_stage, scene, played, tell)
    progress.update(task, completed=sum(seen.received.values()))
    return seen


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:46}"),
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
    columns = ("what", Column("count", overflow="fold"))
    table = Table(*columns, title="What came of it", box=None, title_justify="left")
    for name, value in asdict(found).items():
        table.add_row(_spoken(name), _words(value))
    Console().print(table)


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _words(value: object) -> str:
    match value:
        case {"attempts": list() as attempts}:
            return ", then ".join(attempts)
        case dict() if any(isinstance(one, dict) for one in value.values()):
            return "\n".join(f"{_spoken(key)}: {_words(one)}" for key, one in value.items())
        case dict():
            return ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
        case list():
            return "\n".join(map(str, value)) or "none"
        case _:
            return str(value)
