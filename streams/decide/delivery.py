"""What becomes of replies: how a send ended, and what the provider tells of it later."""

from typing import assert_never

from providers.protocol import StatusReport
from schemas import identity
from schemas.content import ActionTaken, SendOutcome
from schemas.facts import (
    Fact,
    MessageSendFailed,
    MessageSendUnconfirmed,
    MessageSent,
    MessageStatusReported,
)
from schemas.inputs import SendReported
from streams.decide.draft import Draft
from streams.decide.replies import head_of
from streams.decide.state import ChatState


def report(draft: Draft, ended: SendReported) -> None:
    """Record how the attempt ended; a report of what is no longer awaited changes nothing."""
    if head_of(draft.state) == (ended.reply_id, ended.attempt):
        draft.record(_outcome(ended))


def status(draft: Draft, told: StatusReport) -> None:
    """Record what the provider tells; order and repetition do not matter."""
    message_id, attempt = _sent_message(draft.state, told)
    draft.record(
        MessageStatusReported(
            message_id=message_id,
            platform_message_id=told.platform_message_id,
            attempt=attempt,
            status=told.status,
            reported_at=told.reported_at,
            error_code=told.error_code,
            error_message=told.error_message,
            action=ActionTaken.STATUS,
        )
    )


def reference(reply_id: str, attempt: int) -> str:
    """What goes with a message so that its statuses name it."""
    return f"{reply_id}:{attempt}"


def _sent_message(state: ChatState, told: StatusReport) -> tuple[str, int]:
    if told.reference is not None and (named := _referred(told.reference)) is not None:
        return named
    for sent in reversed(state.sent):
        if sent.platform_message_id == told.platform_message_id:
            return sent.reply_id, sent.attempt
    platform_id = told.platform_message_id
    return identity.message_id(chat=state.chat_id, platform_message_id=platform_id), 0


def _referred(text: str) -> tuple[str, int] | None:
    reply_id, _, attempt = text.rpartition(":")
    plain = attempt.isascii() and attempt.isdecimal() and len(attempt) <= 4
    return (reply_id, int(attempt)) if reply_id and plain else None


def _outcome(ended: SendReported) -> Fact:
    match ended.outcome:
        case SendOutcome.SENT:
            return MessageSent(
                reply_id=ended.reply_id,
                attempt=ended.attempt,
                platform_message_id=ended.platform_message_id,
                http_status=ended.http_status,
                started_at=ended.started_at,
                finished_at=ended.finished_at,
            )
        case SendOutcome.FAILED:
            return MessageSendFailed(
                reply_id=ended.reply_id,
                attempt=ended.attempt,
                http_status=ended.http_status,
                error_code=ended.error_code or "",
                error_message=ended.error_message,
                retryable=ended.retryable,
                started_at=ended.started_at,
                finished_at=ended.finished_at,
            )
        case SendOutcome.SAVED_ONLY:
            return MessageSendUnconfirmed(
                reply_id=ended.reply_id,
                attempt=ended.attempt,
                error_code=ended.error_code or "",
                error_message=ended.error_message,
                started_at=ended.started_at,
                finished_at=ended.finished_at,
            )
        case _:
            assert_never(ended.outcome)
