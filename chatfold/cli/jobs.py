"""`chatfold jobs`: what agents do beside sending, and another try for what failed."""

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from chatfold import settings
from chatfold.cli import acting, choosing
from chatfold.cli.choosing import ChatId, Cursor, ErrorCode, Since, Tenant, Until, uuid
from chatfold.cli.output import AsJson, dollars, explained, moment_of, plain, print_json
from chatfold.cli.retrying import Bulk, Many, retry_many, retry_one
from chatfold.operations import Asker, Batch, Desk, Page, Unknown
from chatfold.operations.words import ABOUT_FILES, JobStatus
from chatfold.refusal import Refusal
from projections.queries import Found, WantedJobs
from schemas.content import JobKind
from schemas.job_failures import MEANINGS, JobFailureCode

MOST: Final = 100_000

app = typer.Typer(
    name="jobs",
    no_args_is_help=True,
    help="""
    What agents do beside sending, as the tables have it; and another try.

    Files are stored, transcribed, extracted (documents) and described (pictures); models answer,
    summarise and are asked by handlers. A job that is `waiting` is tried again by itself; one that
    has `failed` is not, and its chat has gone on without it. Only jobs about files can be done
    again.
    """,
)


class FileJob(StrEnum):
    """The kinds of job that can be done again."""

    STORE = "store"
    TRANSCRIBE = "transcribe"
    EXTRACT = "extract"
    DESCRIBE = "describe"


@app.command(name="list")
def list_(
    *,
    tenant: Tenant = None,
    chat: ChatId = None,
    kind: Annotated[list[JobKind] | None, typer.Option(help="Only these; repeatable.")] = None,
    status: Annotated[list[JobStatus] | None, typer.Option(help="Only these; repeatable.")] = None,
    error_code: ErrorCode = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, the latest first."""
    with explained():
        wanted = choosing.wanted_jobs(
            tenant=tenant,
            chat=chat,
            kind=kind or (),
            status=status or (),
            error_code=error_code,
            since=since,
            until=until,
        )
        page = asyncio.run(_list(wanted, cursor, limit))
    if as_json:
        print_json({"jobs": page.rows, "next_cursor": page.next_cursor})
    else:
        _show_list(page)


@app.command()
def show(
    job_id: Annotated[str, typer.Argument(help="Id of the job.")], as_json: AsJson = False
) -> None:
    """Show a job with each attempt that failed or has asked a model.

    The exit code is 1 if the tables know no such job.
    """
    with explained():
        found = asyncio.run(_one(uuid(job_id, "job")))
    if isinstance(found, Unknown):
        acting.refuse(found, job_id)
    if as_json:
        print_json(found)
    else:
        _show_one(found)


@app.command()
def retry(
    job_id: Annotated[
        str | None, typer.Argument(help="Id of the job; without it, all that match.")
    ] = None,
    *,
    tenant: Tenant = None,
    chat: ChatId = None,
    kind: Annotated[list[FileJob] | None, typer.Option(help="Only these; repeatable.")] = None,
    error_code: ErrorCode = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 1_000,
    cursor: Cursor = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: AsJson = False,
) -> None:
    """Do a job about a file that failed or waits once more, now, or all that failed and match.

    What a model was to answer is not asked again: the chat has gone on. What becomes of a job
    shows in `chatfold jobs show`. The exit code is 1 if there is no such job, or if it cannot be
    done again.
    """
    with explained():
        wanted = choosing.wanted_jobs(
            tenant=tenant,
            chat=chat,
            kind=kind or (),
            status=(),
            error_code=error_code,
            since=since,
            until=until,
        )
        if job_id is not None:
            if dry_run or wanted != WantedJobs():
                raise Refusal("give either the id of a job, or options that choose some")
            retry_one(Desk.retry_job, uuid(job_id, "job"), as_json)
            return
        bulk = Bulk(limit=limit, cursor=cursor, dry_run=dry_run)
        retry_many(_many(wanted), bulk, "jobs", yes=yes, as_json=as_json)


def _many(wanted: WantedJobs) -> Many:
    def ask(desk: Desk, asker: Asker, bulk: Bulk) -> AsyncIterator[Batch]:
        return desk.retry_jobs(
            wanted, asker, cursor=bulk.cursor, limit=bulk.limit, dry_run=bulk.dry_run
        )

    return ask


async def _list(wanted: WantedJobs, cursor: str | None, limit: int) -> Page:
    with acting.explained_appends():
        lists = acting.lists(settings.load())
        return await lists.jobs(wanted, cursor=cursor, limit=limit)


async def _one(job_id: str) -> Found | Unknown:
    return await acting.lists(settings.load()).job(job_id)


def _show_list(page: Page) -> None:
    table = Table("created", "job", "kind", "status", "#", "error", "cost", "about", box=None)
    for one in page.rows:
        cells = (moment_of(one["created_at"]), one["job_id"], one["kind"], one["status"])
        rest = (one["attempts"], one["error_code"] or "-", dollars(one["cost_micros"]), _about(one))
        table.add_row(*map(plain, (*cells, *rest)))
    Console().print(table)
    if page.next_cursor:
        Console(stderr=True).print(f"more: --cursor {page.next_cursor}", highlight=False)


def _show_one(found: Found) -> None:
    console = Console()
    console.print(plain(f"{found['job_id']}  {found['tenant_id']}"), style="bold")
    console.print(plain(f"{found['kind']}, chat {found['chat_id']}: {_about(found)}"))
    next_try = found["next_attempt_at"]
    waiting = f", tried again {moment_of(next_try)}" if next_try else ""
    console.print(plain(f"{found['status']}{waiting}; created {moment_of(found['created_at'])}"))
    if advice := _advice(found):
        console.print(plain(advice))
    table = Table("#", "when", "error", "model", "tokens", "seconds", "cost", box=None)
    attempts = found["attempts_made"]
    assert isinstance(attempts, list)
    for one in attempts:
        table.add_row(*map(plain, _attempt(one)))
    console.print(table)


def _attempt(one: Found) -> tuple[object, ...]:
    error = " ".join(str(one[part]) for part in ("error_code", "error_message") if one[part])
    tokens = f"{one['tokens_in'] or 0}+{one['tokens_out'] or 0}" if one["model"] else "-"
    seconds = f"{one['seconds']:.1f}" if one["seconds"] is not None else "-"
    cost = "reused" if one["reused"] else dollars(one["cost_micros"])
    when = moment_of(one["started_at"] or one["called_at"])
    return (one["attempt"], when, error or "-", one["model"] or "-", tokens, seconds, cost)


def _advice(found: Found) -> str | None:
    """What to do about a job that has failed; what may pass by itself has been waited for."""
    code = found["error_code"]
    if found["status"] != JobStatus.FAILED or code not in set(JobFailureCode):
        return None
    meaning = MEANINGS[JobFailureCode(str(code))]
    if not meaning.retryable:
        return meaning.advice
    if found["kind"] in ABOUT_FILES:
        return "Its tries are used up: retry it when the cause is gone."
    return "Its tries are used up, and the chat has gone on without it."


def _about(one: Found) -> str:
    kind = one["message_kind"] or "conversation"
    return f"[{kind}] {one['preview'] or ''}".replace("\n", " ").rstrip()
