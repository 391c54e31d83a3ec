"""Which deliveries or jobs a command is about: its options, and what they come to."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

import typer

from chatfold import clock
from chatfold.operations.words import Awaited
from chatfold.refusal import Refusal
from projections.queries import Wanted, WantedJobs
from schemas import identity

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


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


def wanted(
    *,
    tenant: str | None,
    chat: str | None,
    status: Sequence[str],
    provider: str | None,
    account: str | None,
    error_code: str | None,
    waiting_for: Sequence[str] | None,
    since: str | None,
    until: str | None,
) -> Wanted:
    """What the options come to; raises `Refusal`."""
    return Wanted(
        tenant=tenant,
        chat_id=chat_id_of(chat) if chat else None,
        statuses=status,
        provider=provider,
        account=account,
        error_code=error_code,
        waiting_for=waiting_for or (),
        since=moment(since),
        until=moment(until),
    )


def wanted_jobs(
    *,
    tenant: str | None,
    chat: str | None,
    kind: Sequence[str],
    status: Sequence[str],
    error_code: str | None,
    since: str | None,
    until: str | None,
) -> WantedJobs:
    """What the options come to; raises `Refusal`."""
    return WantedJobs(
        tenant=tenant,
        chat_id=chat_id_of(chat) if chat else None,
        kinds=kind,
        statuses=status,
        error_code=error_code,
        since=moment(since),
        until=moment(until),
    )


def moment(text: str | None) -> datetime | None:
    """The time that is told, as one or as how long ago; raises `Refusal`."""
    if text is None:
        return None
    try:
        if ago := re.fullmatch(r"(\d{1,6})([mhd])", text):
            return clock.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        told = datetime.fromisoformat(text)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refusal(f"{text!r} is no time: write 90m, 2h, 3d, or 2026-01-05T20:00") from None


def chat_id_of(named: str) -> str:
    """The id of a chat that is named by it, or as TENANT/PLATFORM/USER; raises `Refusal`."""
    parts = named.split("/", 2)
    if len(parts) == 3:
        tenant, platform, user = parts
        return identity.chat_id(tenant=tenant, platform=platform, platform_user_id=user)
    try:
        return str(UUID(named))
    except ValueError:
        raise Refusal(f"{named!r} is neither a chat's id nor TENANT/PLATFORM/USER.") from None


def uuid(text: str, what: str) -> str:
    """The id of a reply or a job; raises `Refusal`."""
    try:
        return str(UUID(text))
    except ValueError:
        raise Refusal(f"{text!r} is not the id of a {what}") from None
