"""`chatfold search`: words in messages, and in what was said in them and in their files."""

import asyncio
from typing import Annotated, cast

import typer
from rich.console import Console
from rich.text import Text

from chatfold import settings
from chatfold.cli import acting, choosing
from chatfold.cli.chats import name_of
from chatfold.cli.choosing import ChatId, Since, Tenant, Until, chat_id_of
from chatfold.cli.output import AsJson, explained, moment_of, plain, print_json
from chatfold.refusal import Refusal
from projections.queries import LONGEST_SEARCH, Found, Sought


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(search)


def search(
    words: Annotated[
        str, typer.Argument(help='As for a search engine: invoice "last year" -draft, a or b.')
    ],
    *,
    tenant: Tenant = None,
    chat: ChatId = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find words in messages: in texts, captions, file names, transcripts, documents, pictures.

    The best come first; of very many that match, only the latest are looked at. What was taken
    back is not found.
    """
    with explained():
        sought = _sought(words, tenant, chat, since, until)
        found = asyncio.run(acting.lists(settings.load()).search(sought, limit=limit))
    if as_json:
        print_json(found)
        return
    for one in found:
        _show(one)
    if not found:
        Console(stderr=True).print("nothing found")


def _sought(
    words: str, tenant: str | None, chat: str | None, since: str | None, until: str | None
) -> Sought:
    if not words.strip() or len(words) > LONGEST_SEARCH:
        raise Refusal(f"give words to look for, up to {LONGEST_SEARCH} characters")
    return Sought(
        words=words,
        tenant=tenant,
        chat_id=chat_id_of(chat) if chat else None,
        since=choosing.moment(since),
        until=choosing.moment(until),
    )


def _show(one: Found) -> None:
    console = Console()
    head = f"{moment_of(one['created_at'])}  {name_of(one)}  {one['origin']} {one['kind']}"
    console.print(plain(f"{head}  chat {one['chat_id']}"), style="bold")
    for field in cast(list[Found], one["found"]):
        line = Text.assemble((f"  {field['field']}: ", "dim"))
        for part in cast(list[Found], field["snippet"]):
            text = plain(str(part["text"]).replace("\n", " ")).plain
            line.append(text, style="bold yellow" if part["is_match"] else None)
        console.print(line)
