"""Which deliveries or jobs a command is about: its options, and what they come to."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from chatfold import clock, moments
from chatfold.operations.words import Awaited
from chatfold.refusal import Refusal
from projections.queries import Wanted, WantedJobs
from schemas import identity


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
Since = Annotated[str | None, typer.Option(help=f"Only from then on: {moments.WAYS}.")]
Until = Annotated[str | None, typer.Option(help="Only before then, told likewise.")]
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
    """The time that is told, None where none is; raises `Refusal`."""
    return None if text is None else moments.moment(text, clock.now())


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
