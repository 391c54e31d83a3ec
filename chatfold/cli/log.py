"""`chatfold log`: what arrived for a chat, and what was decided from it, in order."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Final, cast

import typer
from aiokafka import ConsumerRecord
from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

from chatfold import reading, settings
from chatfold.cli.output import AsJson, explained, plain, print_json
from schemas import codec, envelope
from schemas.content import Platform
from schemas.envelope import Recorded
from schemas.identity import chat_id as derive_chat
from schemas.topics import Topics

LONGEST: Final = 160

app = typer.Typer(
    name="log",
    no_args_is_help=True,
    help="The log itself: inputs and facts, as they were recorded.",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the log."""

    time: datetime
    topic: str
    partition: int
    offset: int
    sequence: int
    type: str
    id: str
    caused_by: str
    data: object


@app.callback()
def log() -> None:
    """The log itself: inputs and facts, as they were recorded."""


@app.command()
def show(
    chat: Annotated[
        str, typer.Option(help="A chat's id, or TENANT/PLATFORM/USER as acme/whatsapp/4915…")
    ],
    as_json: AsJson = False,
) -> None:
    """Show the inputs and facts of a chat in the order of the log."""
    with explained():
        entries = asyncio.run(_entries(_chat(chat)))
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    table = Table("time", "topic", "#", "type", "what", box=None)
    for entry in entries:
        number = str(entry.sequence or "")
        cells = (f"{entry.time:%H:%M:%S.%f}", entry.topic, number, entry.type, _what(entry.data))
        table.add_row(*map(plain, cells))
    Console().print(table)


def _what(data: object) -> str:
    """The beginning of it as JSON, our own ids at the end: they say the least."""
    told = cast(dict[str, object], to_builtins(data))
    ids = {name: value for name, value in told.items() if name.endswith("_id")}
    said = {name: value for name, value in told.items() if name not in ids}
    return codec.dumps(said | ids).decode()[:LONGEST]


def _chat(text: str) -> str:
    if text.count("/") < 2:
        return text
    tenant, platform, user = text.split("/", 2)
    if platform not in set(Platform):
        raise typer.BadParameter(f"{platform} is none of {', '.join(Platform)}")
    return derive_chat(tenant=tenant, platform=platform, platform_user_id=user)


async def _entries(chat_id: str) -> list[Entry]:
    loaded = settings.load()
    topics = Topics(loaded.topic_prefix)
    both = [
        entry
        for topic in (topics.inbox, topics.events)
        async for entry in _of_chat(loaded.bootstrap, topic, chat_id)
    ]
    return sorted(both, key=lambda entry: (entry.time, entry.topic == topics.events, entry.offset))


async def _of_chat(bootstrap: str, topic: str, chat_id: str) -> AsyncIterator[Entry]:
    key = chat_id.encode()
    async for record in reading.read(bootstrap, topic):
        if record.key == key:
            yield _entry(record)


def _entry(record: ConsumerRecord) -> Entry:
    told: Recorded[object] = envelope.decode(
        codec.TYPES, value=record.value, headers=record.headers
    )
    return Entry(
        told.time,
        record.topic,
        record.partition,
        record.offset,
        told.sequence,
        dict(record.headers)["ce_type"].decode(),
        told.id,
        told.causation_id,
        told.data,
    )
