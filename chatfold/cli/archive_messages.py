"""`chatfold archive messages`: moves old messages out of their table."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated

import typer

from chatfold import clock, database, extras, failpoints, moments, settings, standing
from chatfold.archive.storage import StorageUnavailable
from chatfold.cli.export import progress
from chatfold.cli.output import AsJson, explained, print_json
from chatfold.refusal import Refusal
from chatfold.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was moved, or would be."""

    before: datetime
    days: int
    messages: int
    where: str
    is_dry_run: bool


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command()(messages)


def messages(
    older_than: Annotated[str, typer.Option(help=f"Before the day of {moments.WAYS}.")] = "90d",
    tenant: Annotated[str | None, typer.Option(help="Only this tenant's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how many.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move messages of whole days (UTC) that are old enough to Parquet, out of the table.

    `chatfold query` still finds them, and conversations keep their counts. Replies that are not
    sent yet, or wait for somebody, stay. Run it daily; ended at any point, the next run goes on.

    `chatfold archive messages --older-than 90d --dry-run`

    `chatfold archive messages --older-than 2026-01-01 --tenant acme`
    """
    with explained():
        extras.require("pyarrow")
        loaded = settings.load()
        with progress("messages", quiet=as_json or dry_run) as told:
            moved = asyncio.run(_run(loaded, _past(older_than), tenant, dry_run=dry_run, told=told))
    if as_json:
        print_json(asdict(moved))
    else:
        verb = "would be" if dry_run else "were"
        typer.echo(
            f"{moved.messages} messages of {moved.days} days before {moved.before:%Y-%m-%d}"
            f" {verb} moved to {moved.where}"
        )


def _past(text: str) -> datetime:
    now = clock.now()
    told = moments.moment(text, now)
    if told >= now:
        raise Refusal(f"--older-than {text} is not past: write {moments.WAYS}")
    return told


async def _run(
    loaded: Settings,
    moment: datetime,
    tenant: str | None,
    *,
    dry_run: bool,
    told: Callable[[int, int], None],
) -> Moved:
    from chatfold.export.old_messages import Moving, cutoff  # noqa: PLC0415  # Arrow is in an extra

    await standing.verify_database(loaded)
    storage, before = standing.archive(loaded).storage, cutoff(moment)
    connection = await database.connect(loaded.database)
    try:
        moving = Moving(
            connection=connection,
            schema=database.quoted(loaded.database_schema),
            storage=storage,
            cutoff=before,
            reach=failpoints.from_environment(),
        )
        found = await moving.days(tenant)
        total = done = sum(day.messages for day in found)
        if not dry_run:
            done = 0
            async for moved in moving.move(found):
                done += moved
                told(done, total)
    except StorageUnavailable as error:
        raise Refusal(f"{storage.where} cannot be used: {error}. Run it again to go on.") from None
    finally:
        await connection.close()
    return Moved(
        before=before, days=len(found), messages=done, where=storage.where, is_dry_run=dry_run
    )
