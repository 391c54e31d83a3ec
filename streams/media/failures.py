"""Why a job on a file came to nothing, in the words of `schemas.job_failures`; pure."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, assert_never

from providers.failures import FailureCode, SendFailure, Unknown
from schemas.content import Usage
from schemas.job_failures import MEANINGS, JobFailureCode
from streams.ports import ModelFailure, NotConnected, Trouble, Unanswered, Unreadable, Unsafe

OF_PROVIDER: Final = MappingProxyType(
    {
        FailureCode.THROTTLED: JobFailureCode.THROTTLED,
        FailureCode.PROVIDER_DOWN: JobFailureCode.SERVICE_DOWN,
        FailureCode.UNAUTHENTICATED: JobFailureCode.UNAUTHENTICATED,
        FailureCode.ACCOUNT_DISABLED: JobFailureCode.UNAUTHENTICATED,
        FailureCode.OUTSIDE_WINDOW: JobFailureCode.REFUSED,
        FailureCode.RECIPIENT_UNREACHABLE: JobFailureCode.REFUSED,
        FailureCode.BLOCKED_BY_USER: JobFailureCode.REFUSED,
        FailureCode.CONTENT_REFUSED: JobFailureCode.REFUSED,
        FailureCode.QUOTA_EXHAUSTED: JobFailureCode.QUOTA_EXHAUSTED,
        FailureCode.CHAT_MOVED: JobFailureCode.REFUSED,
        FailureCode.MEDIA_UNAVAILABLE: JobFailureCode.MEDIA_UNAVAILABLE,
        FailureCode.TOO_LARGE: JobFailureCode.TOO_LARGE,
        FailureCode.NOT_CONFIGURED: JobFailureCode.NOT_CONFIGURED,
        FailureCode.ACCOUNT_STOPPED: JobFailureCode.UNAUTHENTICATED,
        FailureCode.CROWDED: JobFailureCode.THROTTLED,
        FailureCode.REFUSED: JobFailureCode.REFUSED,
        FailureCode.UNSAFE_ADDRESS: JobFailureCode.UNSAFE_ADDRESS,
        FailureCode.ORDER_UNREADABLE: JobFailureCode.ORDER_UNREADABLE,
    }
)
"""What a provider's refusal to give a file means."""

OF_SILENCE: Final = MappingProxyType(
    {
        Unknown.TIMEOUT: JobFailureCode.TIMED_OUT,
        Unknown.CONNECTION_LOST: JobFailureCode.UNREACHABLE,
        Unknown.INTERRUPTED: JobFailureCode.UNREACHABLE,
        Unknown.MALFORMED_ANSWER: JobFailureCode.MALFORMED_ANSWER,
        Unknown.SERVER_ERROR: JobFailureCode.SERVICE_DOWN,
    }
)
"""What it means that no whole answer came: to ask for a file again is harmless."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt at a job came to nothing; `usage` was paid in vain."""

    code: JobFailureCode
    detail: str
    retry_after_seconds: float | None = None
    usage: Usage | None = None

    @property
    def retryable(self) -> bool:
        """Whether it may succeed later."""
        return MEANINGS[self.code].retryable


def failed(
    why: SendFailure | Trouble | Unsafe | Unreadable | ModelFailure, usage: Usage | None = None
) -> Failed:
    """The failure of the job that came of it; `usage` is what was paid besides."""
    match why:
        case SendFailure():
            code = OF_PROVIDER[why.code]
            return Failed(code, why.detail, why.retry_after_seconds, usage)
        case NotConnected():
            return Failed(JobFailureCode.UNREACHABLE, why.detail, usage=usage)
        case Unanswered():
            return Failed(OF_SILENCE[why.reason], why.detail, usage=usage)
        case Unsafe():
            return Failed(JobFailureCode.UNSAFE_ADDRESS, why.detail, usage=usage)
        case Unreadable():
            return Failed(why.code, why.detail, usage=usage)
        case ModelFailure():
            return Failed(why.code, why.detail, why.retry_after_seconds, usage or why.usage)
        case _:
            assert_never(why)
