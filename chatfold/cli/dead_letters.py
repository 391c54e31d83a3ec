"""`chatfold dead-letters`: what could not be decided, done or folded, and another try at it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from chatfold import dead_letters, settings
from chatfold.cli.output import AsJson, explained, plain, print_json
from chatfold.dead_letters import Letter
from chatfold.refusal import Refusal
from projections.parked_facts import PoisonFact
from projections.redrive import Redriven

LONGEST: Final = 80

app = typer.Typer(
    name="dead-letters",
    no_args_is_help=True,
    help="""
    What could not be decided, done or folded, each with its place in the log and the reason.

    A fact that a projection cannot fold waits in the database, and the later facts of its chat
    wait behind it; other chats go on. Once the cause is mended (and the projector runs the mended
    version), `replay` folds all of them in order. Replaying twice changes nothing.
    """,
)

Origin = Annotated[str, typer.Argument(help="Its place in the log: TOPIC/PARTITION/OFFSET.")]
Of = Annotated[str | None, typer.Option("--projection", help="Only of this projection.")]


@app.command(name="list")
def list_(
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only those that a chat's facts wait behind.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters, the oldest first."""
    with explained():
        found = asyncio.run(dead_letters.letters(settings.load()))
    found = [letter for letter in found if letter.waits or not waiting]
    if as_json:
        print_json([_told(letter) for letter in found])
        return
    table = Table("time", "origin", "of", "type", "chat", "waiting", "reason", box=None)
    for letter in found:
        stands = f"yes, and {letter.behind} behind" if letter.waits else "no"
        cells = (f"{letter.time:%Y-%m-%d %H:%M:%S}", letter.origin, letter.projection or "inputs")
        rest = (letter.type, letter.chat_id, stands, letter.reason[:LONGEST])
        table.add_row(*map(plain, (*cells, *rest)))
    Console().print(table)


@app.command()
def show(origin: Origin, as_json: AsJson = False) -> None:
    """Show a dead letter whole: reason, stack and what it says.

    The exit code is 1 if there is none of this origin.
    """
    with explained():
        found = asyncio.run(dead_letters.letters(settings.load()))
    found = [letter for letter in found if letter.origin == origin]
    if as_json:
        print_json([_told(letter) for letter in found])
    for letter in found if not as_json else ():
        for name, value in _told(letter).items():
            Console().print(plain(f"{name}: "), plain(value))
    if not found:
        raise typer.Exit(1)


@app.command()
def replay(
    origins: Annotated[
        list[str] | None, typer.Argument(help="Which, each as TOPIC/PARTITION/OFFSET.")
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All that wait.")] = False,
    projection: Of = None,
    as_json: AsJson = False,
) -> None:
    """Fold facts that wait, and those behind them, in order.

    The exit code is 1 if one of them still cannot be folded; then it goes on waiting.
    """
    with explained():
        if not origins and not everything:
            raise Refusal("Name the dead letters to replay, or say --all.")
        done = asyncio.run(_replay(origins or (), everything=everything, projection=projection))
    _tell(done, as_json=as_json)


@app.command()
def discard(origin: Origin, projection: Of = None, as_json: AsJson = False) -> None:
    """Leave a fact out of the tables for good, and fold what waits behind it.

    The log keeps it: a rebuild of the projection will meet it again. The exit code is 1 if no
    such fact waits, or if one behind it cannot be folded.
    """
    with explained():
        done = asyncio.run(_discard(origin, projection))
    _tell(done, as_json=as_json)


async def _replay(
    origins: Sequence[str], *, everything: bool, projection: str | None
) -> list[tuple[PoisonFact, Redriven]]:
    chosen = settings.load()
    waiting = await dead_letters.waiting_facts(chosen)
    facts = [
        fact
        for fact in waiting
        if (everything or fact.origin in origins) and projection in (None, fact.projection)
    ]
    return list(zip(facts, await dead_letters.replay(chosen, facts), strict=True))


async def _discard(origin: str, projection: str | None) -> list[tuple[PoisonFact, Redriven]]:
    chosen = settings.load()
    facts = [
        fact
        for fact in await dead_letters.waiting_facts(chosen)
        if fact.origin == origin and projection in (None, fact.projection)
    ]
    if not facts:
        raise Refusal(f"No fact waits that has the origin {origin}.")
    done = [(fact, await dead_letters.discard(chosen, fact)) for fact in facts]
    return [(fact, ended) for fact, ended in done if ended is not None]


def _tell(done: Sequence[tuple[PoisonFact, Redriven]], *, as_json: bool) -> None:
    if as_json:
        print_json([{"origin": fact.origin, **asdict(ended)} for fact, ended in done])
    for fact, ended in done if not as_json else ():
        stuck = f"; stuck at offset {ended.stuck_at}: {ended.reason}" if ended.reason else ""
        what = f"{fact.origin} ({fact.projection}): {ended.folded} facts folded{stuck}"
        Console(soft_wrap=True).print(plain(what))
    if not done and not as_json:
        print("nothing waits")
    if any(ended.reason for _, ended in done):
        raise typer.Exit(1)


def _told(letter: Letter) -> dict[str, object]:
    return asdict(letter) | {"value": letter.value.decode(errors="replace")}
