"""What is reported of an order that the agent could not read; pure."""

from datetime import datetime
from typing import Final

from providers.failures import MEANINGS as OF_SENDS
from providers.failures import FailureCode
from schemas.awaited import Awaited
from schemas.content import SendOutcome
from schemas.inputs import AnswerReported, JobReported, SendReported
from schemas.job_failures import MEANINGS as OF_JOBS
from schemas.job_failures import JobFailureCode
from streams.outcomes import INTERRUPTED

LONGEST_DETAIL: Final = 1_000


def reply(awaited: Awaited, reason: str, now: datetime) -> SendReported:
    """It was not sent."""
    code = FailureCode.ORDER_UNREADABLE
    return SendReported(
        reply_id=awaited.id,
        attempt=awaited.attempt,
        outcome=SendOutcome.FAILED,
        started_at=now,
        finished_at=now,
        error_code=code,
        error_message=_detail(reason),
        retryable=OF_SENDS[code].retryable,
    )


def begun_reply(awaited: Awaited, now: datetime) -> SendReported:
    """An agent that could read it has begun to send it: nobody knows how that ended."""
    return SendReported(
        reply_id=awaited.id,
        attempt=awaited.attempt,
        outcome=SendOutcome.SAVED_ONLY,
        started_at=now,
        finished_at=now,
        error_code=INTERRUPTED.reason,
        error_message=INTERRUPTED.detail,
    )


def job(awaited: Awaited, reason: str, now: datetime) -> JobReported:
    """It was not done."""
    code = JobFailureCode.ORDER_UNREADABLE
    return JobReported(
        job_id=awaited.id,
        attempt=awaited.attempt,
        started_at=now,
        finished_at=now,
        error_code=code,
        error_message=_detail(reason),
        retryable=OF_JOBS[code].retryable,
    )


def question(awaited: Awaited, reason: str) -> AnswerReported:
    """There is no answer."""
    return AnswerReported(question_id=awaited.id, answer={}, error=_detail(reason))


def _detail(reason: str) -> str:
    """Without U+0000, which PostgreSQL does not store."""
    return f"the agent cannot read the order: {reason}".replace("\x00", "")[:LONGEST_DETAIL]
