"""What becomes of replies: how a send ended, and what the provider tells of it later."""

import re
from typing import Final, assert_never

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

_REFERENCE: Final = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([0-9]{1,4})")


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
    ours = _REFERENCE.fullmatch(text)
    return (ours[1], int(ours[2])) if ours else None


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
