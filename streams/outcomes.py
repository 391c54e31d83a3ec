"""How a send attempt ended, in the words of the log; pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, assert_never

from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import Accepted
from schemas.content import SendOutcome
from schemas.inputs import SendReported
from schemas.work import SendMessage
from streams.ports import NotConnected, Unanswered

Ended = Accepted | SendFailure | Unconfirmed | NotConnected | Unanswered

LONGEST_DETAIL: Final = 1_000

INTERRUPTED: Final = Unconfirmed(
    reason=Unknown.INTERRUPTED,
    http_status=None,
    detail="The agent was stopped after it had begun to send; look whether the message arrived.",
)
BROKEN: Final = Unconfirmed(
    reason=Unknown.MALFORMED_ANSWER,
    http_status=None,
    detail="The answer could not be read; the agent's log has the error.",
)


def not_configured(detail: str) -> SendFailure:
    """The account cannot send."""
    return SendFailure(code=FailureCode.NOT_CONFIGURED, http_status=None, detail=detail)


def reported(
    order: SendMessage,
    ended: Ended,
    *,
    started_at: datetime,
    finished_at: datetime,
    secrets: Iterable[str] = (),
) -> SendReported:
    """The report of an attempt, without `secrets`."""
    told = _told(ended)
    return SendReported(
        reply_id=order.reply_id,
        attempt=order.attempt,
        outcome=_outcome(ended),
        started_at=started_at,
        finished_at=finished_at,
        platform_message_id=_platform_message_id(ended),
        http_status=None if isinstance(ended, NotConnected | Unanswered) else ended.http_status,
        error_code=_code(ended),
        error_message=_clean(told, secrets) if told is not None else None,
        retryable=_retryable(ended),
        retry_after_seconds=ended.retry_after_seconds if isinstance(ended, SendFailure) else None,
    )


def _outcome(ended: Ended) -> SendOutcome:
    match ended:
        case Accepted():
            return SendOutcome.SENT
        case SendFailure() | NotConnected():
            return SendOutcome.FAILED
        case Unconfirmed() | Unanswered():
            return SendOutcome.SAVED_ONLY
        case _:
            assert_never(ended)


def _code(ended: Ended) -> str | None:
    match ended:
        case Accepted():
            return None
        case SendFailure():
            return ended.code.value
        case NotConnected():
            return FailureCode.PROVIDER_DOWN.value
        case Unconfirmed() | Unanswered():
            return ended.reason.value
        case _:
            assert_never(ended)


def _retryable(ended: Ended) -> bool:
    return isinstance(ended, NotConnected) or (isinstance(ended, SendFailure) and ended.retryable)


def _told(ended: Ended) -> str | None:
    return None if isinstance(ended, Accepted) else ended.detail


def _platform_message_id(ended: Ended) -> str | None:
    named = ended.platform_message_id if isinstance(ended, Accepted) else None
    return named.replace("\x00", "") if named is not None else None


def _clean(text: str, secrets: Iterable[str]) -> str:
    """The text without secrets, and without U+0000, which PostgreSQL does not store."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text.replace("\x00", "")[:LONGEST_DETAIL]
