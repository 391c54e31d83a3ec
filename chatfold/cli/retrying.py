"""Another try for what failed, one or many: what deliveries and jobs have in common."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import typer
from rich.console import Console

from chatfold.cli import acting
from chatfold.cli.output import print_json
from chatfold.operations import Asked, Asker, Batch, Desk, NotRetryable, Unknown
from chatfold.refusal import Refusal
from projections.queries import Found

One = Callable[[Desk, str, Asker], Awaitable[Asked | Unknown | NotRetryable]]
Many = Callable[[Desk, Asker, "Bulk"], AsyncIterator[Batch]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """Up to `limit`, behind `cursor`; with `dry_run` they are only counted."""

    limit: int
    cursor: str | None
    dry_run: bool


def retry_one(ask: One, name: str, as_json: bool) -> None:
    """Ask for one; the exit code is 1 if that cannot be."""
    asked = asyncio.run(_asked(ask, name))
    if isinstance(asked, Unknown | NotRetryable):
        acting.refuse(asked, name)
    if as_json:
        print_json(acting.told(asked))
    else:
        Console(stderr=True).print(f"{name}: asked for", markup=False, highlight=False)


def retry_many(ask: Many, bulk: Bulk, what: str, *, yes: bool, as_json: bool) -> None:
    """Ask for all that match, once somebody has said yes to their number."""
    if not bulk.dry_run and not yes:
        counting = Bulk(limit=bulk.limit, cursor=bulk.cursor, dry_run=True)
        _confirm(asyncio.run(_retried(ask, counting)), what)
    done = asyncio.run(_retried(ask, bulk))
    if as_json:
        print_json(done)
        return
    words = "would be tried again" if bulk.dry_run else "are asked for again"
    console = Console(stderr=True)
    console.print(f"{done['matched']} {words}{_twice(done)}", highlight=False)
    if done["next_cursor"]:
        console.print(f"there may be more: --cursor {done['next_cursor']}", highlight=False)


def _confirm(counted: Found, what: str) -> None:
    question = f"Try {counted['matched']} {what} again{_twice(counted)}?"
    if not Console(stderr=True).is_terminal:
        raise Refusal(f"{question} Nobody is there to ask: give --yes, or --dry-run to count")
    typer.confirm(question, abort=True, err=True)


def _twice(counted: Found) -> str:
    number = counted["unconfirmed"]
    return f" ({number} of them may have arrived already)" if number else ""


async def _asked(ask: One, name: str) -> Asked | Unknown | NotRetryable:
    async with acting.desk() as desk:
        return await ask(desk, name, acting.asker())


async def _retried(ask: Many, bulk: Bulk) -> Found:
    asked: list[int] = []
    unconfirmed, cursor = 0, bulk.cursor
    progress = Console(stderr=True).status("looking …")
    async with acting.desk() as desk:
        with progress, acting.explained_appends(asked):
            async for batch in ask(desk, acting.asker(), bulk):
                asked.append(batch.found)
                unconfirmed += batch.unconfirmed
                cursor = batch.next_cursor
                progress.update(f"{sum(asked)} …")
    return {
        "matched": sum(asked),
        "unconfirmed": unconfirmed,
        "dry_run": bulk.dry_run,
        "next_cursor": cursor,
    }
