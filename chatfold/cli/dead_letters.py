"""`chatfold dead-letters`: what could not be decided, done or folded, and another try at it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Final

import typer
from msgspec import structs
from rich.console import Console
from rich.table import Table

from chatfold import dead_letters, settings, settling
from chatfold.cli import acting
from chatfold.cli.output import AsJson, explained, plain, print_json
from chatfold.letters import Kind, Letter, name_of
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.parked_facts import PoisonFact
from projections.redrive import Redriven
from schemas.dead_letters import Settlement
from schemas.topics import Topics

LONGEST: Final = 80

app = typer.Typer(
    name="dead-letters",
    no_args_is_help=True,
    help="""
    What could not be decided, done or folded, each with its place in the log and the reason.

    A fact that a projection cannot fold waits in the database, and the later facts of its chat
    wait behind it; other chats go on. An input that cannot be decided, or an order that cannot be
    carried out, holds nothing up. Once the cause is mended (and the role runs the mended version),
    `replay` folds facts in order, and appends inputs and orders to the log again. Replaying twice
    changes nothing.
    """,
)

Origin = Annotated[str, typer.Argument(help="Its place in the log: TOPIC/PARTITION/OFFSET.")]
Of = Annotated[str | None, typer.Option("--projection", help="Only of this projection.")]
Folded = tuple[PoisonFact, Redriven]
Appended = tuple[Letter, str]


@app.command(name="list")
def list_(
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Only those that a chat's facts wait behind.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Those too that were replayed or discarded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List dead letters that nobody has dealt with, the oldest first."""
    with explained():
        chosen = settings.load()
        found = asyncio.run(dead_letters.letters(chosen))
    found = [one for one in found if one.waits or (not waiting and (everything or one.is_open))]
    if as_json:
        print_json([_told(letter) for letter in found])
    else:
        _show(found, Topics(chosen.topic_prefix))


@app.command()
def show(origin: Origin, as_json: AsJson = False) -> None:
    """Show a dead letter whole: reason, stack, what it says, and what was done with it.

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
    everything: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
    of: Annotated[Kind, typer.Option(help="What all are replayed of.")] = Kind.FACT,
    projection: Of = None,
    as_json: AsJson = False,
) -> None:
    """Fold facts that wait, and those behind them; append inputs and orders to the log again.

    An input or order that still cannot be read becomes a new letter, which names this one. What is
    known to be done is not done twice. The exit code is 1 if a fact still cannot be folded; then
    it goes on waiting.
    """
    with explained():
        if not origins and not everything:
            raise Refusal("Name the dead letters to replay, or say --all.")
        every = of if everything else None
        folded, appended = asyncio.run(_replay(origins or (), every, projection))
    _tell(folded, appended, as_json=as_json)


@app.command()
def discard(origin: Origin, projection: Of = None, as_json: AsJson = False) -> None:
    """Leave a fact out of the tables for good, and fold what waits behind it.

    The log keeps it: a rebuild of the projection will meet it again. An input or order is only
    noted as dealt with. The exit code is 1 if a fact behind it cannot be folded.
    """
    with explained():
        folded = asyncio.run(_discard(origin, projection))
    _tell(folded, (), as_json=as_json)


async def _replay(
    origins: Sequence[str], every: Kind | None, projection: str | None
) -> tuple[list[Folded], list[Appended]]:
    chosen = settings.load()
    facts = [
        fact
        for fact in await dead_letters.waiting_facts(chosen)
        if (every is Kind.FACT or fact.origin in origins) and projection in {None, fact.projection}
    ]
    folded = list(zip(facts, await dead_letters.replay(chosen, facts), strict=True))
    await _note(chosen, folded, Settlement.REPLAYED)
    if projection is not None or every is Kind.FACT:
        return folded, []
    return folded, await _append(chosen, origins, every)


async def _append(chosen: Settings, origins: Sequence[str], every: Kind | None) -> list[Appended]:
    topics = Topics(chosen.topic_prefix)
    letters = settling.chosen(await dead_letters.letters(chosen), origins, every, topics)
    async with settling.settling(chosen, acting.asker().by) as desk:
        return [(letter, await desk.replay(letter)) for letter in letters]


async def _discard(origin: str, projection: str | None) -> list[Folded]:
    chosen = settings.load()
    facts = [
        fact
        for fact in await dead_letters.waiting_facts(chosen)
        if fact.origin == origin and projection in {None, fact.projection}
    ]
    if not facts:
        await _let_go(chosen, origin, projection)
        return []
    done = [(fact, await dead_letters.discard(chosen, fact)) for fact in facts]
    folded = [(fact, ended) for fact, ended in done if ended is not None]
    await _note(chosen, folded, Settlement.DISCARDED)
    return folded


async def _let_go(chosen: Settings, origin: str, projection: str | None) -> None:
    """Note an input or order as dealt with."""
    topics = Topics(chosen.topic_prefix)
    found = await dead_letters.letters(chosen) if projection is None else []
    letters = settling.chosen(found, [origin], None, topics)
    if not letters:
        raise Refusal(f"No fact waits that has the origin {origin}, and no other letter is open.")
    async with settling.settling(chosen, acting.asker().by) as desk:
        for letter in letters:
            await desk.note((letter.origin, None), letter.chat_id, Settlement.DISCARDED)


async def _note(chosen: Settings, folded: Sequence[Folded], did: Settlement) -> None:
    """Let everybody know which facts wait no more, and by whom."""
    done = [fact for fact, ended in folded if ended.stuck_at != fact.offset]
    if done:
        async with settling.settling(chosen, acting.asker().by) as desk:
            for fact in done:
                await desk.note(name_of(fact), fact.key.decode(errors="replace"), did)


def _show(found: Sequence[Letter], topics: Topics) -> None:
    table = Table("time", "origin", "of", "type", "chat", "waiting", "reason", box=None)
    for letter in found:
        stands = f"yes, and {letter.behind} behind" if letter.waits else _done(letter)
        of = letter.projection or letter.kind(topics) or "?"
        cells = (f"{letter.time:%Y-%m-%d %H:%M:%S}", letter.origin, of)
        rest = (letter.type, letter.chat_id, stands, letter.reason[:LONGEST])
        table.add_row(*map(plain, (*cells, *rest)))
    Console().print(table)


def _done(letter: Letter) -> str:
    if letter.settled is not None:
        return f"{letter.settled.did} by {letter.settled.by}"
    return "reported as failed" if letter.reported is not None else "no"


def _tell(folded: Sequence[Folded], appended: Sequence[Appended], *, as_json: bool) -> None:
    if as_json:
        facts = [{"origin": fact.origin, **asdict(ended)} for fact, ended in folded]
        print_json([*facts, *({"origin": one.origin, "topic": topic} for one, topic in appended)])
    else:
        _say(folded, appended)
    if any(ended.reason for _, ended in folded):
        raise typer.Exit(1)


def _say(folded: Sequence[Folded], appended: Sequence[Appended]) -> None:
    console = Console(soft_wrap=True)
    for fact, ended in folded:
        stuck = f"; stuck at offset {ended.stuck_at}: {ended.reason}" if ended.reason else ""
        what = f"{fact.origin} ({fact.projection}): {ended.folded} facts folded{stuck}"
        console.print(plain(what))
    for letter, topic in appended:
        console.print(plain(f"{letter.origin}: appended to {topic} again"))
    if not folded and not appended:
        print("nothing waits")


def _told(letter: Letter) -> dict[str, object]:
    told = asdict(letter)
    del told["record"]
    settled = structs.asdict(letter.settled) if letter.settled is not None else None
    return told | {"value": letter.value.decode(errors="replace"), "settled": settled}
