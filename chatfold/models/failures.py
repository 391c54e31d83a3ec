"""What goes wrong when a model is asked, in the words of the closed table of job failures."""

import re
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Final

import httpx2
import openai

from providers.reading import clean, mapping, number
from schemas.job_failures import MEANINGS, JobFailureCode
from streams.ports import ModelFailure

LONGEST_DETAIL: Final = 300
LONGEST_WAIT_SECONDS: Final = 86_400.0

_KEY: Final = re.compile(r"\b(?:sk|gsk|pk|key)-?_?[A-Za-z0-9*_-]{6,}")
"""What looks like a key; services repeat the wrong one in their refusal."""

_BY_STATUS: Final = MappingProxyType(
    {
        401: JobFailureCode.UNAUTHENTICATED,
        402: JobFailureCode.QUOTA_EXHAUSTED,
        403: JobFailureCode.UNAUTHENTICATED,
        404: JobFailureCode.NOT_CONFIGURED,
        408: JobFailureCode.TIMED_OUT,
        409: JobFailureCode.SERVICE_DOWN,
        413: JobFailureCode.TOO_LARGE,
        415: JobFailureCode.UNSUPPORTED,
        425: JobFailureCode.SERVICE_DOWN,
        429: JobFailureCode.THROTTLED,
    }
)
_BY_WORD: Final = MappingProxyType(
    {
        "insufficient_quota": JobFailureCode.QUOTA_EXHAUSTED,
        "billing_not_active": JobFailureCode.QUOTA_EXHAUSTED,
        "billing_hard_limit_reached": JobFailureCode.QUOTA_EXHAUSTED,
        "rate_limit_exceeded": JobFailureCode.THROTTLED,
        "rate_limit_error": JobFailureCode.THROTTLED,
        "invalid_api_key": JobFailureCode.UNAUTHENTICATED,
        "authentication_error": JobFailureCode.UNAUTHENTICATED,
        "permission_error": JobFailureCode.UNAUTHENTICATED,
        "model_not_found": JobFailureCode.NOT_CONFIGURED,
        "content_filter": JobFailureCode.REFUSED,
        "content_policy_violation": JobFailureCode.REFUSED,
        "context_length_exceeded": JobFailureCode.REFUSED,
        "invalid_request_error": JobFailureCode.REFUSED,
    }
)
"""Codes and types in the body of an error; they say more than a status, or stand for one."""

_UNSENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_WORKED: Final = frozenset(
    {JobFailureCode.TIMED_OUT, JobFailureCode.MALFORMED_ANSWER, JobFailureCode.UNREACHABLE}
)


def failure(code: JobFailureCode, detail: str, secrets: Collection[str] = ()) -> ModelFailure:
    """A failure told in bounded words without secrets."""
    for secret in filter(None, secrets):
        detail = detail.replace(secret, "***")
    return ModelFailure(code, _KEY.sub("***", clean(detail))[:LONGEST_DETAIL])


def failure_of(error: Exception, secrets: Collection[str] = ()) -> ModelFailure | None:
    """What an error of the client means; None if it is none of a service's or a network's."""
    match error:
        case openai.APIStatusError():
            return _refused(error, secrets)
        case openai.APIConnectionError():
            return _unbegun(error.__cause__ or error, secrets)
        case openai.OpenAIError():
            return _misunderstood(error, secrets)
        case TimeoutError() | OSError() | httpx2.TransportError() | httpx2.StreamError():
            return _unanswered(error, secrets)
        case httpx2.HTTPError() | httpx2.InvalidURL() | UnicodeError():
            return failure(JobFailureCode.MALFORMED_ANSWER, repr(error), secrets)
        case _:
            return None


def _misunderstood(error: openai.OpenAIError, secrets: Collection[str]) -> ModelFailure:
    match error:
        case openai.APIResponseValidationError():
            return failure(JobFailureCode.MALFORMED_ANSWER, str(error), secrets)
        case openai.APIError():
            return told(mapping(error.body), secrets)
        case _:
            return failure(JobFailureCode.NOT_CONFIGURED, str(error), secrets)


def told(error: Mapping[str, object], secrets: Collection[str] = ()) -> ModelFailure:
    """What an error means that comes in an answer that had begun well."""
    words = (str(error.get(name)) for name in ("code", "type"))
    code = next((_BY_WORD[one] for one in words if one in _BY_WORD), JobFailureCode.SERVICE_DOWN)
    return failure(code, str(error.get("message") or "the answer ended in an error"), secrets)


def _refused(error: openai.APIStatusError, secrets: Collection[str]) -> ModelFailure:
    body = mapping(error.body)
    code = _code(error.status_code, (str(error.code), str(error.type)))
    said = body.get("message") or error.message
    told = failure(code, f"HTTP {error.status_code}: {said}", secrets)
    if not MEANINGS[code].retryable:
        return told
    return ModelFailure(told.code, told.detail, retry_after(error.response.headers))


def _code(status: int, words: tuple[str, str]) -> JobFailureCode:
    known = next((_BY_WORD[one] for one in words if one in _BY_WORD), None)
    if known is not None and (status in {400, 404, 429} or known is not JobFailureCode.REFUSED):
        return known
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 400:  # it leads elsewhere, and a key follows nowhere
        return JobFailureCode.NOT_CONFIGURED
    return JobFailureCode.SERVICE_DOWN if status >= 500 else JobFailureCode.REFUSED


def _unbegun(error: BaseException, secrets: Collection[str]) -> ModelFailure:
    """Nothing came back."""
    if isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        return failure(JobFailureCode.NOT_CONFIGURED, f"base_url: {_words(error)}", secrets)
    if isinstance(error, _UNSENT):
        return failure(JobFailureCode.UNREACHABLE, f"no connection: {_words(error)}", secrets)
    if isinstance(error, httpx2.RemoteProtocolError):
        return failure(JobFailureCode.UNREACHABLE, _words(error), secrets)
    return _unanswered(error, secrets)


def _unanswered(error: BaseException, secrets: Collection[str]) -> ModelFailure:
    """Not all of an answer came back, or nothing of it."""
    match error:
        case TimeoutError() | httpx2.TimeoutException() | openai.APITimeoutError():
            code, what = JobFailureCode.TIMED_OUT, "no whole answer in time"
        case httpx2.RemoteProtocolError():
            code, what = JobFailureCode.MALFORMED_ANSWER, "the answer was cut off"
        case _:
            code, what = JobFailureCode.UNREACHABLE, "the connection broke"
    return failure(code, f"{what}: {_words(error)}", secrets)


def may_be_paid(error: Exception, failed: ModelFailure) -> bool:
    """Whether the service may have worked before it failed us."""
    is_unsent = isinstance(error.__cause__ or error, _UNSENT)
    return failed.code in _WORKED and not is_unsent


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a service asks to wait: a number, or a date by its own clock."""
    milliseconds = number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _sane(milliseconds / 1000)
    asked = headers.get("retry-after")
    seconds = number(asked)
    return _sane(_until(asked, headers.get("date")) if seconds is None else seconds)


def _until(asked: str | None, now: str | None) -> float | None:
    if asked is None or now is None:
        return None
    try:
        return (parsedate_to_datetime(asked) - parsedate_to_datetime(now)).total_seconds()
    except (TypeError, ValueError):
        return None


def _sane(seconds: float | None) -> float | None:
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_WAIT_SECONDS else None
