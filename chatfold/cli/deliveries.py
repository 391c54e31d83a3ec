"""`chatfold deliveries`: what became of replies, and another try for those that failed."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from chatfold import clock, settings
from chatfold.cli import acting
from chatfold.cli.chats import chat_id_of
from chatfold.cli.output import AsJson, explained, plain, print_json
from chatfold.operations import Asked, NotRetryable, Page, Unknown
from chatfold.refusal import Refusal
from projections.queries import Found, Wanted

MOST: Final = 100_000
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}

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


class Status(StrEnum):
    """How a delivery can stand."""

    PENDING = "pending"
    SAVED_ONLY = "saved_only"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    DELETED = "deleted"


class Awaited(StrEnum):
    """What a delivery waits for."""

    RETRY = "retry"
    OPERATOR = "operator"


class Retryable(StrEnum):
    """How a delivery stands that can be tried again."""

    FAILED = "failed"
    SAVED_ONLY = "saved_only"


Tenant = Annotated[str | None, typer.Option(help="Only this tenant's.")]
ChatId = Annotated[str | None, typer.Option("--chat", help="A chat's id, or TENANT/PLATFORM/USER.")]
Provider = Annotated[str | None, typer.Option(help="Only through this provider.")]
Account = Annotated[str | None, typer.Option(help="Only through this account.")]
ErrorCode = Annotated[str | None, typer.Option(help="Only with this error, as rate_limited.")]
WaitingFor = Annotated[
    list[Awaited] | None, typer.Option(help="Only what waits for this; repeatable.")
]
Since = Annotated[
    str | None,
    typer.Option(help="Only from then on: 90m, 2h or 3d ago, or 2026-01-05T20:00 (UTC)."),
]
Until = Annotated[str | None, typer.Option(help="Only before then, likewise.")]
Cursor = Annotated[str | None, typer.Option(help="`next_cursor` of the page before.")]


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
        wanted = Wanted(
            tenant=tenant,
            chat_id=chat_id_of(chat) if chat else None,
            statuses=status or (),
            provider=provider,
            account=account,
            error_code=error_code,
            waiting_for=waiting_for or (),
            since=_moment(since),
            until=_moment(until),
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
        found = asyncio.run(_one(_uuid(reply_id)))
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
        wanted = Wanted(
            tenant=tenant,
            chat_id=chat_id_of(chat) if chat else None,
            statuses=status or (Retryable.FAILED,),
            provider=provider,
            account=account,
            error_code=error_code,
            waiting_for=waiting_for or (),
            since=_moment(since),
            until=_moment(until),
        )
        if reply_id is not None:
            if dry_run or wanted != Wanted(statuses=wanted.statuses) or status:
                raise Refusal("give either the id of a reply, or options that choose some")
            _retry_one(_uuid(reply_id), as_json)
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


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        if ago := re.fullmatch(r"(\d{1,6})([mhd])", text):
            return clock.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(f"{text!r} is no time: write 90m, 2h, 3d, or 2026-01-05T20:00") from None


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Refusal(f"{text!r} is not the id of a reply") from None


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
