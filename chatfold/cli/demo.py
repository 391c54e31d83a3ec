"""`chatfold demo`: everything at once, on this machine, checked against what was sent."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from chatfold import clock, settings
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.cli.stopping import stop_on_signals
from chatfold.demo import assisted, files, outcome, play, scenes, script, stage
from chatfold.demo.assisted import Talk, Talked
from chatfold.demo.expected import Expected, expected
from chatfold.demo.outcome import Outcome
from chatfold.demo.received import arrived
from chatfold.demo.scenes import SCENES, Scene, Seen
from chatfold.demo.script import Webhook
from chatfold.stack import Stack

SETTLE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.6


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
    two are known only by a status or an echo to have arrived, one takes another way. People talk
    with a model meanwhile: it hears a voice note, reads a PDF, sees a picture, sums up, and is
    silent while a human talks. The result is checked against what was sent: the exit code is 1 if
    anything is missing or doubled.
    On a terminal it stays up afterwards and names the addresses to look at.
    """
    with explained():
        stays = sys.stdout.isatty() and not leave
        found = uvloop.run(_demo(stays=stays, as_json=as_json))
    if found.missing or found.doubled:
        raise typer.Exit(1)


async def _demo(*, stays: bool, as_json: bool) -> Outcome:
    own = stage.of_its_own(settings.load(), clock.now(), usual_ports=stays)
    set_stage = stage.Stage(own, Stack(settings.load()), usual_ports=stays)
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
    """The play, and beside it scenes and conversations of other people."""
    plan = [files.at_sandbox(one, set_stage.sandbox_url) for one in script.webhooks()]
    await files.place([*plan, *assisted.webhooks()], set_stage.sandbox_url)
    await assisted.prepare(set_stage)
    played = play.Played()
    seen, talked, found = await asyncio.gather(
        asyncio.gather(*(_scene(set_stage, one, played, progress) for one in SCENES)),
        asyncio.gather(*(_talk(set_stage, one, played, progress) for one in assisted.talks())),
        _Counts(progress, set_stage, played).of_all(plan),
    )
    found = outcome.with_surprises(found, played.surprises)
    named = {scene.name: one for scene, one in zip(SCENES, seen, strict=True)}
    found = outcome.with_scenes(found, named)
    by_name = {talk.name: one for talk, one in zip(assisted.talks(), talked, strict=True)}
    return await outcome.with_search(set_stage, outcome.with_talks(found, by_name))


def wanted(plan: list[Webhook]) -> Expected:
    """What must come of all that is said."""
    told = scenes.wanted(plan)
    assisted.add_to(told)
    return told


class _Counts:
    """Plays, and shows on the terminal what was posted and received, until that is all."""

    def __init__(self, progress: Progress, set_stage: stage.Stage, played: play.Played) -> None:
        self._progress = progress
        self._stage = set_stage
        self._played = played
        self._posted = progress.add_task("webhooks posted", total=None)
        self._replied = progress.add_task("replies received", total=None)
        self._worked = progress.add_task("jobs of agents", total=None)

    async def of_all(self, plan: list[Webhook]) -> Outcome:
        """What has come of everything; an act begins when all that was said before is answered."""
        for act in sorted({webhook.act for webhook in plan}):
            said = expected(webhook for webhook in plan if webhook.act <= act)
            async with self._playing(webhook for webhook in plan if webhook.act == act) as posted:
                await self._until_answered(posted, said)
        later = script.afterwards()
        async with self._playing(later) as posted:
            return await self._until_complete(posted, wanted([*plan, *later]))

    @asynccontextmanager
    async def _playing(self, webhooks: Iterable[Webhook]) -> AsyncIterator[asyncio.Task[None]]:
        gateway = self._stage.gateway_url
        playing = asyncio.create_task(play.play(webhooks, gateway, self._played))
        try:
            yield playing
        finally:
            await playing

    async def _until_answered(self, posted: asyncio.Task[None], said: Expected) -> None:
        """Return when every reply has come, or when none comes any more."""
        stillness = _Stillness()
        while True:
            replies = Counter(reply for reply, _ in await arrived(self._stage))
            self._tell(replies.total())
            is_answered = posted.done() and not said.replies - replies
            if is_answered or stillness.lasts((self._played.posted, replies)):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _until_complete(self, posted: asyncio.Task[None], wanted: Expected) -> Outcome:
        """What has come when nothing is missing, or when nothing comes any more."""
        stillness = _Stillness()
        while True:
            found = await outcome.look(self._stage, self._played, wanted)
            self._tell(found.replies_received_by_sandbox)
            self._progress.update(self._worked, completed=sum(found.jobs.values()))
            is_complete = posted.done() and not found.missing
            if is_complete or stillness.lasts((self._played.posted, found.rows, found.jobs)):
                return found
            await asyncio.sleep(LOOK_SECONDS)

    def _tell(self, replies: int) -> None:
        self._progress.update(self._posted, completed=self._played.posted)
        self._progress.update(self._replied, completed=replies)


class _Stillness:
    """For how long nothing has changed."""

    def __init__(self) -> None:
        self._seen: object = None
        self._since = 0.0

    def lasts(self, seen: object) -> bool:
        """Whether what is `seen` was the same for so long that nothing more will come."""
        now = asyncio.get_running_loop().time()
        if seen != self._seen:
            self._seen, self._since = seen, now
        return now > self._since + SETTLE_SECONDS


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


async def _talk(
    set_stage: stage.Stage, talk: Talk, played: play.Played, progress: Progress
) -> Talked:
    task = progress.add_task(talk.name, total=1)

    def tell(what: str) -> None:
        progress.update(task, description=f"{talk.name}: {what}"[:46])

    talked = await assisted.perform(set_stage, talk, played, tell)
    progress.update(task, completed=1)
    return talked


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
    await stop_on_signals().wait()


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
        case {"steps": list() as steps, "noted": dict() as noted}:
            told = (f"  {name}: {words}" for name, words in noted.items())
            return "\n".join([", then ".join(steps), *told])
        case dict() if any(isinstance(one, dict) for one in value.values()):
            return "\n".join(f"{_spoken(key)}: {_words(one)}" for key, one in value.items())
        case dict():
            return ", ".join(f"{key} {count}" for key, count in value.items()) or "none"
        case list():
            return "\n".join(map(str, value)) or "none"
        case _:
            return str(value)
