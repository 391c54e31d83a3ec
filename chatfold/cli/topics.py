"""`chatfold topics`: the topics of this deployment."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

from chatfold import settings, topics
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.refusal import Refusal

app = typer.Typer(
    name="topics",
    no_args_is_help=True,
    help="""
    The topics that hold everything: created once, checked at every start.

    Names begin with CHATFOLD_TOPIC_PREFIX. The number of partitions, CHATFOLD_PARTITIONS, is
    fixed at birth: it decides in which partition a chat is. CHATFOLD_REPLICATION_FACTOR is how
    many brokers keep a copy; take 3 in production.
    """,
)


@app.command()
def apply(as_json: AsJson = False) -> None:
    """Create the topics that are missing and mend the settings of the others.

    Running it again changes nothing. The exit code is 2 if something is wrong that it cannot
    mend, such as another number of partitions or a Kafka without transactions.
    """
    with explained():
        done = asyncio.run(topics.apply(topics.plan(settings.load())))
    if as_json:
        problems = [str(problem) for problem in done.problems]
        print_json({"created": done.created, "changed": done.changed, "problems": problems})
    else:
        _tell(done)
    with explained():
        if done.problems:
            raise Refusal("\n".join(topics.sentences(done.problems)))


@app.command(name="list")
def list_(as_json: AsJson = False) -> None:
    """Show every topic: partitions, copies, retention, and whether it is as it should be.

    The exit code is 1 if a topic is missing or wrong.
    """
    with explained():
        wanted = topics.plan(settings.load())
        found = asyncio.run(topics.read(wanted))
    rows = [_row(wanted, name, found) for name in (spec.name for spec in wanted.specs)]
    if as_json:
        print_json(rows)
    else:
        _show(rows)
    if any(row["problems"] for row in rows):
        raise typer.Exit(1)


def _tell(done: topics.Applied) -> None:
    console = Console(stderr=True)
    for verb, names in (("created", done.created), ("changed", done.changed)):
        for name in names:
            console.print(f"{verb} {name}", markup=False, highlight=False)
    if not (done.created or done.changed or done.problems):
        console.print("all topics are as they should be")


def _row(wanted: topics.Plan, name: str, found: dict[str, topics.TopicState]) -> dict[str, object]:
    problems = [p.what for p in topics.compare(wanted, found) if p.topic == name]
    state = found.get(name)
    return {
        "topic": name,
        "partitions": state.partitions if state else None,
        "copies": state.replicas if state else None,
        "cleanup": state.config["cleanup.policy"] if state else None,
        "retention_ms": int(state.config["retention.ms"]) if state else None,
        "problems": problems,
    }


def _show(rows: list[dict[str, object]]) -> None:
    table = Table("topic", "partitions", "copies", "cleanup", "kept", "state", box=None)
    for row in rows:
        problems = row["problems"]
        assert isinstance(problems, list)
        state = f"[red]{'; '.join(problems)}[/]" if problems else "[green]ok[/]"
        kept = _days(row["retention_ms"]) if row["cleanup"] != "compact" else "last per key"
        cells = (row["topic"], row["partitions"], row["copies"], row["cleanup"], kept)
        table.add_row(*(str("-" if cell is None else cell) for cell in cells), state)
    Console().print(table)


def _days(retention_ms: object) -> str | None:
    if not isinstance(retention_ms, int):
        return None
    return "for ever" if retention_ms < 0 else f"{retention_ms / 86_400_000:g} days"
