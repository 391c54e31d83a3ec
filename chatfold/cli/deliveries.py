"""`chatfold deliveries`: what became of replies, and another try for those that failed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from chatfold import settings
from chatfold.cli import acting, choosing
from chatfold.cli.choosing import (
    Account,
    ChatId,
    Cursor,
    ErrorCode,
    Provider,
    Retryable,
    Since,
    Tenant,
    Until,
    WaitingFor,
    uuid,
)
from chatfold.cli.output import AsJson, explained, moment_of, plain, print_json
from chatfold.cli.retrying import Bulk, Many, retry_many, retry_one
from chatfold.operations import Asker, Batch, Desk, Page, Unknown
from chatfold.operations.words import Status
from chatfold.refusal import Refusal
from projections.queries import Found, Wanted

MOST: Final = 100_000

app = typer.Typer(
    name="deliveries",
    no_args_is_help=True,
    help="""
    Replies and how their sending stands, as the tables have them; and another try.

    `failed`: the provider refused it. `saved_only`: it was not attempted, or nobody knows whether
    it arrived, so that another try may make it arrive twice. A reply that waits for a retry is
    tried again by itself; one that waits for an operator is not.
    """,
)


@app.command(name="list")
def list_(
    *,
    tenant: Tenant = None,
    chat: ChatId = None,
    status: Annotated[list[Status] | None, typer.Option(help="Only these; repeatable.")] = None,
    provider: Provider = None,
    account: Account = None,
    error_code: ErrorCode = None,
    waiting_for: WaitingFor = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the latest first."""
    with explained():
        wanted = choosing.wanted(
            tenant=tenant,
            chat=chat,
            status=status or (),
            provider=provider,
            account=account,
            error_code=error_code,
            waiting_for=waiting_for,
            since=since,
            until=until,
        )
        page = asyncio.run(_list(wanted, cursor, limit))
    if as_json:
        print_json({"deliveries": page.rows, "next_cursor": page.next_cursor})
    else:
        _show_list(page)


@app.command()
def show(
    reply_id: Annotated[str, typer.Argument(help="Id of the reply.")], as_json: AsJson = False
) -> None:
    """Show a delivery with every attempt to send it.

    The exit code is 1 if the tables know no such reply.
    """
    with explained():
        found = asyncio.run(_one(uuid(reply_id, "reply")))
    if isinstance(found, Unknown):
        acting.refuse(found, reply_id)
    if as_json:
        print_json(found)
    else:
        _show_one(found)


@app.command()
def retry(
    reply_id: Annotated[
        str | None, typer.Argument(help="Id of the reply; without it, all that match.")
    ] = None,
    *,
    tenant: Tenant = None,
    chat: ChatId = None,
    status: Annotated[
        list[Retryable] | None,
        typer.Option(help="Only these; repeatable. Unless it is named, no saved_only one."),
    ] = None,
    provider: Provider = None,
    account: Account = None,
    error_code: ErrorCode = None,
    waiting_for: WaitingFor = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 1_000,
    cursor: Cursor = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: AsJson = False,
) -> None:
    """Try a delivery that waits once more, now, or all that wait and match the options.

    What becomes of it shows in `chatfold deliveries show`. The exit code is 1 if there is no
    such delivery, or if it waits for nothing.
    """
    with explained():
        wanted = choosing.wanted(
            tenant=tenant,
            chat=chat,
            status=status or (Retryable.FAILED,),
            provider=provider,
            account=account,
            error_code=error_code,
            waiting_for=waiting_for,
            since=since,
            until=until,
        )
        if reply_id is not None:
            if dry_run or wanted != Wanted(statuses=wanted.statuses) or status:
                raise Refusal("give either the id of a reply, or options that choose some")
            retry_one(Desk.retry, uuid(reply_id, "reply"), as_json)
            return
        bulk = Bulk(limit=limit, cursor=cursor, dry_run=dry_run)
        retry_many(_many(wanted), bulk, "deliveries", yes=yes, as_json=as_json)


def _many(wanted: Wanted) -> Many:
    def ask(desk: Desk, asker: Asker, bulk: Bulk) -> AsyncIterator[Batch]:
        return desk.retry_matching(
            wanted, asker, cursor=bulk.cursor, limit=bulk.limit, dry_run=bulk.dry_run
        )

    return ask


async def _list(wanted: Wanted, cursor: str | None, limit: int) -> Page:
    with acting.explained_appends():
        lists = acting.lists(settings.load())
        return await lists.deliveries(wanted, cursor=cursor, limit=limit)


async def _one(reply_id: str) -> Found | Unknown:
    return await acting.lists(settings.load()).delivery(reply_id)


def _show_list(page: Page) -> None:
    table = Table("created", "reply", "to", "status", "#", "waits for", "error", "what", box=None)
    for one in page.rows:
        cells = (moment_of(one["created_at"]), one["reply_id"], _whom(one), one["status"])
        waiting, error = one["waiting_for"] or "-", one["error_code"] or "-"
        rest = (one["attempt"] or "-", waiting, error, _words(one))
        table.add_row(*map(plain, (*cells, *rest)))
    Console().print(table)
    if page.next_cursor:
        Console(stderr=True).print(f"more: --cursor {page.next_cursor}", highlight=False)


def _show_one(found: Found) -> None:
    console = Console()
    console.print(plain(f"{found['reply_id']}  {found['tenant_id']}"), style="bold")
    console.print(plain(f"to {_whom(found)}, chat {found['chat_id']}: {_words(found)}"))
    waiting = f", waits for {found['waiting_for']}" if found["waiting_for"] else ""
    console.print(plain(f"{found['status']}{waiting}; created {moment_of(found['created_at'])}"))
    table = Table("#", "began", "channel", "outcome", "http", "error", "next try", box=None)
    attempts = found["attempts"]
    assert isinstance(attempts, list)
    for one in attempts:
        error = " ".join(str(one[part]) for part in ("error_code", "error_message") if one[part])
        head = (one["attempt"], moment_of(one["started_at"]), one["channel"] or "-", one["outcome"])
        rest = (one["http_status"] or "-", error or "-", moment_of(one["next_attempt_at"]))
        table.add_row(*map(plain, (*head, *rest)))
    console.print(table)


def _whom(one: Found) -> str:
    parts: Sequence[object] = (one["provider"], one["recipient"])
    return " ".join(str(part) for part in parts if part)


def _words(one: Found) -> str:
    return str(one["preview"] or f"[{one['kind']}]").replace("\n", " ")
