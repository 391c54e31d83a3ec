"""`chatfold chats`: who writes, and what was said, from the tables."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from chatfold import as_of, moments, settings
from chatfold.cli.choosing import chat_id_of, moment
from chatfold.cli.output import AsJson, explained, moment_of, plain, print_json, size_of
from chatfold.operations import tables
from projections import queries
from projections.queries import Found

app = typer.Typer(
    name="chats",
    no_args_is_help=True,
    help="""
    Chats and their messages, as the tables have them, and what operators do with them.

    The tables follow the log; `chatfold status` shows by how much they lag. `chatfold log show`
    reads the log itself.
    """,
)

SHORT: Final = 200

_FOUND: Final = {
    "media_transcript": "says",
    "extracted_media_content": "reads",
    "image_description": "shows",
}

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]


@app.command(name="list")
def list_(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    search: Annotated[
        str | None, typer.Option(help="Part of a name or number, or words of a message.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List chats, the one with the latest activity first."""
    with explained():
        found = asyncio.run(_list(tenant, search, limit))
    if as_json:
        print_json(found)
    else:
        _show_list(found)


@app.command()
def show(
    chat_id: Annotated[str, typer.Argument(help="A chat's id, or TENANT/PLATFORM/USER.")],
    limit: Limit = 50,
    at: Annotated[
        str | None,
        typer.Option("--as-of", help=f"As it was then: {moments.WAYS}."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a chat: who it is, its last messages with what is in their files, and summaries.

    Who answered is shown with the tokens that it took, in and out. A person known by several ids
    has one chat, shown by each of them. With `--as-of` its facts up to then are read from the log
    and folded; the tables are not asked.

    The exit code is 1 if there is no such chat.
    """
    with explained():
        found = asyncio.run(_chat(chat_id_of(chat_id), limit, at))
    if found is None:
        Console(stderr=True).print(f"no chat {chat_id}", markup=False)
        raise typer.Exit(1)
    if as_json:
        print_json(found)
    else:
        _show_chat(found)


async def _list(tenant: str | None, search: str | None, limit: int) -> list[Found]:
    async with tables.of_settings(settings.load())() as connection:
        return await queries.chats(connection, tenant=tenant, search=search, limit=limit)


async def _chat(chat_id: str, limit: int, at: str | None) -> Found | None:
    if (then := moment(at)) is not None:
        return await as_of.chat(settings.load(), chat_id, then, limit)
    async with tables.of_settings(settings.load())() as connection:
        chat = await queries.chat(connection, chat_id)
        if chat is None:
            return None
        return chat | {
            "conversations": await queries.conversations(connection, chat_id, limit=limit),
            "messages": await queries.messages(connection, chat_id, limit=limit),
        }


def _show_list(found: list[Found]) -> None:
    table = Table("chat", "tenant", "platform", "who", "last activity", "conversation", box=None)
    for one in found:
        state = f"{one['conversation_status'] or 'none'} ({one['message_count'] or 0})"
        cells = (one["chat_id"], one["tenant_id"], one["platform"], name_of(one))
        table.add_row(*map(plain, cells), moment_of(one["last_activity_at"]), state)
    Console().print(table)


def _show_chat(found: Found) -> None:
    console = Console()
    who = f"{name_of(found)}, {found['platform']} {found['platform_user_id']}"
    console.print(plain(f"{found['chat_id']}  {found['tenant_id']}"), style="bold")
    console.print(plain(f"{who}; through {found['provider']} {found['account']}"))
    if names := _other_names(found):
        console.print(plain(f"also known as {', '.join(names)}"))
    table = Table("time", "#", "from", "kind", "what", "answered by", "delivery", box=None)
    messages = found["messages"]
    assert isinstance(messages, list)
    for one in messages:
        number = f"{one['conversation']}.{one['number']}"
        cells = (moment_of(one["created_at"]), number, one["origin"], one["kind"], _words(one))
        table.add_row(*map(plain, cells), *map(plain, (_author(one), _delivery(one))))
    console.print(table)
    for summary in _summaries(found):
        console.print(plain(summary))


def name_of(one: Found) -> str:
    """What a person is called, or else reached by."""
    names = " ".join(str(one[part]) for part in ("first_name", "last_name") if one[part])
    return names or str(one["username"] or one["phone_e164"] or one["platform_user_id"])


def _other_names(found: Found) -> list[str]:
    merged = found["also_known_as"]
    assert isinstance(merged, list)
    moved_to = found["address"]
    return [*merged, *([str(moved_to)] if moved_to and moved_to not in merged else [])]


def _words(one: Found) -> str:
    if one["deleted_at"]:
        return "(deleted)"
    said = one["text_content"] or one["media_caption"]
    parts = (said, _file(one), *(_found(one, *what) for what in _FOUND.items()))
    words = "\n".join(str(part) for part in parts if part)
    return words.replace("\n", " ⏎ ") + (" (edited)" if one["edited_at"] else "")


def _file(one: Found) -> str | None:
    """Its name, what it is and how large; nothing where there is no file."""
    told = (one["media_description"], one["media_mime"], size_of(one["media_size"]))
    return f"[{', '.join(str(part) for part in told if part)}]" if any(told) else None


def _found(one: Found, column: str, what: str) -> str | None:
    words = one[column]
    if not words:
        return None
    text = " ".join(str(words).split())
    return f"{what}: {text[:SHORT]}…" if len(text) > SHORT else f"{what}: {text}"


def _author(one: Found) -> str:
    tokens = f"{one['tokens_in'] or 0}+{one['tokens_out'] or 0}" if one["model"] else None
    return " ".join(str(part) for part in (one["handler"], one["model"], tokens) if part)


def _summaries(found: Found) -> Iterator[str]:
    """What each conversation was about, in their order."""
    conversations = found["conversations"]
    assert isinstance(conversations, list)
    for one in reversed(conversations):
        if one["conversation_summary"]:
            yield f"conversation {one['number']}: {one['conversation_summary']}"


def _delivery(one: Found) -> str:
    return " ".join(str(part) for part in (one["delivery_status"], one["error_code"]) if part)
