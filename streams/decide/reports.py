"""How an attempt to send a reply ended, and what follows."""

from typing import assert_never

from schemas.content import SendOutcome
from schemas.facts import MessageSendFailed, MessageSendUnconfirmed, MessageSent
from schemas.inputs import SendReported
from streams.decide import delivery, echoes, retries
from streams.decide.draft import Draft
from streams.decide.state import Pending, in_flight


def report(draft: Draft, ended: SendReported) -> None:
    """Record how the attempt ended; a report of what is no longer awaited changes nothing."""
    away = in_flight(draft.before)
    if away is None or (away.reply_id, away.attempt) != (ended.reply_id, ended.attempt):
        return
    reply = draft.state.outbox[0]
    match ended.outcome:
        case SendOutcome.SENT:
            delivery.name(draft, _sent(ended, reply))
            echoes.match(draft, reply, ended.platform_message_id)
            _hear_failure(draft, reply)
        case SendOutcome.FAILED:
            draft.record(_failed(ended))
            if reply.told is not None and reply.told.has_arrived:
                attempt = (reply.reply_id, reply.attempt)
                delivery.arrive(draft, reply.told.platform_message_id, attempt)
            else:
                retries.failed(draft, ended)
        case SendOutcome.SAVED_ONLY:
            draft.record(_unconfirmed(ended))
            _remember(draft, reply)
            echoes.match(draft, reply, None)
            _hear_failure(draft, reply)
        case _:
            assert_never(ended.outcome)


def _remember(draft: Draft, reply: Pending) -> None:
    """A status or an echo may have told before that the message was sent, or failed later."""
    if reply.told is not None:
        attempt = (reply.reply_id, reply.attempt)
        delivery.confirm(draft, reply.told.platform_message_id, attempt, reply.told.by)


def _hear_failure(draft: Draft, reply: Pending) -> None:
    """A status may have told before that the message, though accepted, has failed."""
    told = reply.told
    if told is not None and told.error_code is not None:
        retries.failed_later(draft, reply.reply_id, reply.attempt, told.error_code)


def _sent(ended: SendReported, reply: Pending) -> MessageSent:
    """Named by its own report, or by what was told before."""
    told = reply.told.platform_message_id if reply.told is not None else None
    return MessageSent(
        reply_id=ended.reply_id,
        attempt=ended.attempt,
        platform_message_id=ended.platform_message_id or told,
        http_status=ended.http_status,
        started_at=ended.started_at,
        finished_at=ended.finished_at,
    )


def _failed(ended: SendReported) -> MessageSendFailed:
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


def _unconfirmed(ended: SendReported) -> MessageSendUnconfirmed:
    return MessageSendUnconfirmed(
        reply_id=ended.reply_id,
        attempt=ended.attempt,
        error_code=ended.error_code or "",
        error_message=ended.error_message,
        started_at=ended.started_at,
        finished_at=ended.finished_at,
    )
