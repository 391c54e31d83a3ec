"""`chatfold deliveries`: what became of replies, and another try for those that failed."""

import asyncio
from collections.abc import Sequence
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
from chatfold.cli.output import AsJson, explained, plain, print_json
from chatfold.operations import Asked, NotRetryable, Page, Unknown
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
        found = asyncio.run(_one(uuid(reply_id)))
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
            _retry_one(uuid(reply_id), as_json)
            return
        _retry_all(wanted, cursor, limit, dry_run=dry_run, yes=yes, as_json=as_json)


def _retry_one(reply_id: str, as_json: bool) -> None:
    asked = asyncio.run(_asked(reply_id))
    if isinstance(asked, Unknown | NotRetryable):
        acting.refuse(asked, reply_id)
    if as_json:
        print_json(acting.told(asked))
    else:
        Console(stderr=True).print(f"{reply_id}: asked for", markup=False, highlight=False)


def _retry_all(
    wanted: Wanted, cursor: str | None, limit: int, *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    if not dry_run and not yes:
        counted = asyncio.run(_retried(wanted, cursor, limit, dry_run=True))
        _confirm(counted)
    done = asyncio.run(_retried(wanted, cursor, limit, dry_run=dry_run))
    if as_json:
        print_json(done)
        return
    words = "would be tried again" if dry_run else "are asked for again"
    console = Console(stderr=True)
    console.print(f"{done['matched']} {words}{_twice(done)}", highlight=False)
    if done["next_cursor"]:
        console.print(f"there may be more: --cursor {done['next_cursor']}", highlight=False)


def _confirm(counted: Found) -> None:
    question = f"Try {counted['matched']} deliveries again{_twice(counted)}?"
    if not Console(stderr=True).is_terminal:
        raise Refusal(f"{question} Nobody is there to ask: give --yes, or --dry-run to count")
    typer.confirm(question, abort=True, err=True)


def _twice(counted: Found) -> str:
    number = counted["unconfirmed"]
    return f" ({number} of them may have arrived already)" if number else ""


async def _list(wanted: Wanted, cursor: str | None, limit: int) -> Page:
    with acting.explained_appends():
        lists = acting.lists(settings.load())
        return await lists.deliveries(wanted, cursor=cursor, limit=limit)


async def _one(reply_id: str) -> Found | Unknown:
    return await acting.lists(settings.load()).delivery(reply_id)


async def _asked(reply_id: str) -> Asked | Unknown | NotRetryable:
    async with acting.desk() as desk:
        return await desk.retry(reply_id, acting.asker())


async def _retried(wanted: Wanted, cursor: str | None, limit: int, *, dry_run: bool) -> Found:
    asked: list[int] = []
    unconfirmed = 0
    progress = Console(stderr=True).status("looking …")
    async with acting.desk() as desk:
        with progress, acting.explained_appends(asked):
            async for batch in desk.retry_matching(
                wanted, acting.asker(), cursor=cursor, limit=limit, dry_run=dry_run
            ):
                asked.append(batch.found)
                unconfirmed += batch.unconfirmed
                cursor = batch.next_cursor
                progress.update(f"{sum(asked)} …")
    return {
        "matched": sum(asked),
        "unconfirmed": unconfirmed,
        "dry_run": dry_run,
        "next_cursor": cursor,
    }


def _show_list(page: Page) -> None:
    table = Table("created", "reply", "to", "status", "#", "waits for", "error", "what", box=None)
    for one in page.rows:
        cells = (_time(one["created_at"]), one["reply_id"], _whom(one), one["status"])
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
    console.print(plain(f"{found['status']}{waiting}; created {_time(found['created_at'])}"))
    table = Table("#", "began", "channel", "outcome", "http", "error", "next try", box=None)
    attempts = found["attempts"]
    assert isinstance(attempts, list)
    for one in attempts:
        error = " ".join(str(one[part]) for part in ("error_code", "error_message") if one[part])
        head = (one["attempt"], _time(one["started_at"]), one["channel"] or "-", one["outcome"])
        rest = (one["http_status"] or "-", error or "-", _time(one["next_attempt_at"]))
        table.add_row(*map(plain, (*head, *rest)))
    console.print(table)


def _whom(one: Found) -> str:
    parts: Sequence[object] = (one["provider"], one["recipient"])
    return " ".join(str(part) for part in parts if part)


def _words(one: Found) -> str:
    return str(one["preview"] or f"[{one['kind']}]").replace("\n", " ")


def _time(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if value else "-"
