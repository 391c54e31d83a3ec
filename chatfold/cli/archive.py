"""`chatfold archive`: what is archived of the log."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime

import typer
from rich.console import Console
from rich.table import Table

from chatfold import settings, standing
from chatfold.archive import Entry, Index, StorageUnavailable
from chatfold.archive.segments import Damaged
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.refusal import Refusal

app = typer.Typer(
    name="archive",
    no_args_is_help=True,
    help="""
    The archive at CHATFOLD_ARCHIVE_URL: the log, which the role archiver copies there, and the
    messages that are moved out of their table.
    """,
)


@dataclass(slots=True)
class Archived:
    """What is archived of a partition; `gaps` are offsets that follow none."""

    topic: str
    partition: int
    begin: int
    end: int
    records: int
    segments: int
    bytes: int
    last_time: datetime
    gaps: list[int]


@app.callback()
def archive() -> None:
    """The archive of the log."""


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show what is archived of each partition: offsets, records, bytes, gaps."""
    _tell(check=False, as_json=as_json)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Read every segment and compare it with the index; the exit code is 1 if there are gaps.

    It is 2 if a segment is missing or damaged.
    """
    if any(one.gaps for one in _tell(check=True, as_json=as_json)):
        raise typer.Exit(1)


def _tell(*, check: bool, as_json: bool) -> list[Archived]:
    with explained():
        found = asyncio.run(_read(standing.archive(settings.load()), check=check))
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        _show(found)
    return found


async def _read(index: Index, *, check: bool) -> list[Archived]:
    try:
        return [
            await _sum(_entries(index, topic, partition, check=check))
            for topic, partition in await index.places()
        ]
    except (Damaged, StorageUnavailable) as error:
        raise Refusal(f"{error}.") from None


async def _entries(
    index: Index, topic: str, partition: int, *, check: bool
) -> AsyncIterator[Entry]:
    async for entry in index.entries(topic, partition):
        if check and len(await index.records(entry)) != entry.count:
            raise Damaged(f"{entry.key} does not hold the {entry.count} records of its entry")
        yield entry


async def _sum(entries: AsyncIterator[Entry]) -> Archived:
    first = await anext(entries)
    found = _archived(first)
    async for entry in entries:
        if entry.begin != found.end:
            found.gaps.append(found.end)
        found.end, found.last_time = entry.end, entry.last_time
        found.records += entry.count
        found.segments += 1
        found.bytes += entry.bytes
    return found


def _archived(entry: Entry) -> Archived:
    return Archived(
        entry.topic,
        entry.partition,
        entry.begin,
        entry.end,
        entry.count,
        1,
        entry.bytes,
        entry.last_time,
        [],
    )


def _show(found: list[Archived]) -> None:
    heads = ("topic", "partition", "from", "to", "records", "segments", "bytes", "newest", "gaps")
    table = Table(*heads, box=None)
    for one in found:
        gaps = ", ".join(map(str, one.gaps)) or "none"
        cells = (one.topic, one.partition, one.begin, one.end, one.records, one.segments, one.bytes)
        table.add_row(*map(str, cells), f"{one.last_time:%Y-%m-%d %H:%M:%S}", gaps)
    Console().print(table)
