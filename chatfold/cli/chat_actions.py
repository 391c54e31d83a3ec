"""`chatfold chats pause|resume|close|send|auto-resume`: what operators do with a chat."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import Console

from chatfold.cli import acting
from chatfold.cli.choosing import chat_id_of
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.operations import Asked, Desk, Unknown
from chatfold.refusal import Refusal
from schemas.content import Content, Media, MessageKind

Act = Callable[[Desk, str], Awaitable[Asked | Unknown]]

ChatId = Annotated[str, typer.Argument(help="A chat's id, or TENANT/PLATFORM/USER.")]

MOST_RESUMED: Final = 100_000


class FileKind(StrEnum):
    """The kinds of file that can be sent."""

    IMAGE = "image"
    AUDIO = "audio"
    VOICE = "voice"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for command in (pause, resume, close, send, auto_resume):
        app.command()(command)


def pause(chat_id: ChatId, as_json: AsJson = False) -> None:
    """Have the bot record what is said in a chat, and not answer it.

    It answers again after `chats resume`, or by itself when the tenant's time is over.
    """
    _do(lambda desk, chat: desk.pause(chat, acting.asker()), chat_id, as_json)


def resume(chat_id: ChatId, as_json: AsJson = False) -> None:
    """Have the bot answer again in a chat."""
    _do(lambda desk, chat: desk.resume(chat, acting.asker()), chat_id, as_json)


def close(chat_id: ChatId, as_json: AsJson = False) -> None:
    """Close a chat's open conversation; replies that are on their way still leave."""
    _do(lambda desk, chat: desk.close(chat, acting.asker()), chat_id, as_json)


def send(
    chat_id: ChatId,
    text: Annotated[str | None, typer.Argument(help="What to write.")] = None,
    *,
    file: Annotated[
        str | None, typer.Option(help="The provider's id of a file, or its https address.")
    ] = None,
    kind: Annotated[FileKind, typer.Option(help="What the file is.")] = FileKind.DOCUMENT,
    caption: Annotated[str | None, typer.Option(help="Words below the file.")] = None,
    reply_to: Annotated[
        str | None, typer.Option(help="The platform's id of the message that it answers.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a message to a chat by hand, also while the bot is paused.

    `chatfold deliveries show` with the id that is printed tells what became of it.
    """
    with explained():
        content = _content(text, file, kind, caption)
    _do(
        lambda desk, chat: desk.send(chat, content, acting.asker(), reply_to=reply_to),
        chat_id,
        as_json,
    )


def auto_resume(
    limit: Annotated[
        int, typer.Option(min=1, max=MOST_RESUMED, help="Look at so many at most.")
    ] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Have every paused chat resume whose pause has lasted as long as its tenant says.

    The decider does so by itself; this is for a schedule of your own.
    """
    with explained():
        looked_at = asyncio.run(_auto_resume(limit))
    if as_json:
        print_json({"looked_at": looked_at})
    else:
        Console(stderr=True).print(f"paused chats looked at: {looked_at}")


async def _auto_resume(limit: int) -> int:
    async with acting.desk() as desk:
        return sum([count async for count in desk.auto_resume(acting.asker(), limit=limit)])


def _do(act: Act, named: str, as_json: bool) -> None:
    with explained():
        asked = asyncio.run(_asked(act, chat_id_of(named)))
    if isinstance(asked, Unknown):
        acting.refuse(asked, named)
    if as_json:
        print_json(acting.told(asked))
        return
    what = f"asked for; delivery {asked.reply_id}" if asked.reply_id else "asked for"
    Console(stderr=True).print(f"{asked.chat_id}: {what}", markup=False, highlight=False)


async def _asked(act: Act, chat_id: str) -> Asked | Unknown:
    async with acting.desk() as desk:
        return await act(desk, chat_id)


def _content(text: str | None, file: str | None, kind: FileKind, caption: str | None) -> Content:
    if (text is None) == (file is None):
        raise Refusal("give either a text or --file")
    if file is not None:
        return Content(kind=MessageKind(kind), media=Media(reference=file), caption=caption)
    if not text or not text.strip():
        raise Refusal("the text is empty")
    return Content(kind=MessageKind.TEXT, text=text)
