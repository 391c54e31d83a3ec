"""`chatfold chats file`: a link to the file of a message."""

import asyncio
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from chatfold import blobs, clock, settings
from chatfold.cli import acting
from chatfold.cli.choosing import uuid
from chatfold.cli.output import AsJson, explained, plain, print_json, size_of
from chatfold.operations import Links, Unknown
from chatfold.operations.links import LONGEST
from chatfold.refusal import Refusal
from projections.queries import Found
from streams.ports import Unavailable


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(file)


def file(
    message_id: Annotated[str, typer.Argument(help="`message_id`, as `chats show --json` has it.")],
    seconds: Annotated[
        int,
        typer.Option(min=1, max=int(LONGEST.total_seconds()), help="How long the links hold."),
    ] = 3600,
    as_json: AsJson = False,
) -> None:
    """Print a link to a message's file, by which whoever has it can read it for a while.

    A bucket's links are signed and end by themselves; in a folder the link is the file itself.
    The exit code is 1 if no file is kept of such a message.
    """
    with explained():
        found = asyncio.run(_file(uuid(message_id, "message"), timedelta(seconds=seconds)))
    if isinstance(found, Unknown):
        acting.refuse(found, message_id)
    print_json(found) if as_json else _show(found)


async def _file(message_id: str, life: timedelta) -> Found | Unknown:
    chosen = settings.load()
    storage = blobs.opened(chosen.media_url, chosen.home / "media")
    try:
        return await Links(acting.lists(chosen), storage, clock.now).file(message_id, life)
    except Unavailable as away:
        text = f"The storage of files gives no links: {away}; see CHATFOLD_MEDIA_URL."
        raise Refusal(text) from None


def _show(found: Found) -> None:
    told = (found["name"], found["mime"], size_of(found["size"]))
    Console(stderr=True).print(plain(", ".join(str(part) for part in told if part)))
    print(found["url"])
