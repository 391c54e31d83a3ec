"""Every error of the client has a code of ours, a wait where one makes sense, and no secret."""

import httpx2
import openai
import pytest

from chatfold.models import failures
from schemas.job_failures import MEANINGS, JobFailureCode

REQUEST = httpx2.Request("POST", "https://models.example/v1/chat/completions")


def refused(status: int, error: object = None, **headers: str) -> openai.APIStatusError:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(status, headers=told, request=REQUEST)
    return openai.APIStatusError("refused", response=response, body=error)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (302, JobFailureCode.NOT_CONFIGURED),
        (400, JobFailureCode.REFUSED),
        (401, JobFailureCode.UNAUTHENTICATED),
        (402, JobFailureCode.QUOTA_EXHAUSTED),
        (403, JobFailureCode.UNAUTHENTICATED),
        (404, JobFailureCode.NOT_CONFIGURED),
        (408, JobFailureCode.TIMED_OUT),
        (409, JobFailureCode.SERVICE_DOWN),
        (413, JobFailureCode.TOO_LARGE),
        (415, JobFailureCode.UNSUPPORTED),
        (418, JobFailureCode.REFUSED),
        (422, JobFailureCode.REFUSED),
        (429, JobFailureCode.THROTTLED),
        (500, JobFailureCode.SERVICE_DOWN),
        (529, JobFailureCode.SERVICE_DOWN),
    ],
)
def test_each_status_has_its_code(status: int, code: JobFailureCode) -> None:
    failed = failures.failure_of(refused(status))
    assert failed is not None
    assert failed.code is code
    assert str(status) in failed.detail


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (429, {"code": "insufficient_quota"}, JobFailureCode.QUOTA_EXHAUSTED),
        (429, {"type": "insufficient_quota", "code": None}, JobFailureCode.QUOTA_EXHAUSTED),
        (400, {"code": "content_filter"}, JobFailureCode.REFUSED),
        (400, {"code": "model_not_found"}, JobFailureCode.NOT_CONFIGURED),
        (400, {"code": 17, "type": ["odd"]}, JobFailureCode.REFUSED),
        (500, {"type": "invalid_request_error"}, JobFailureCode.SERVICE_DOWN),
        (503, "overloaded", JobFailureCode.SERVICE_DOWN),
    ],
)
def test_what_a_body_says_is_heard(status: int, error: object, code: JobFailureCode) -> None:
    failed = failures.failure_of(refused(status, error))
    assert failed is not None
    assert failed.code is code


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "1500", "retry_after": "7"}, 1.5),
        ({"retry_after": "Sat, 28 Nov 2026 12:00:30 GMT"}, None),
        (
            {
                "retry_after": "Sat, 28 Nov 2026 12:00:30 GMT",
                "date": "Sat, 28 Nov 2026 12:00:00 GMT",
            },
            30,
        ),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "soon", "date": "now"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "99999999"}, None),
        ({}, None),
    ],
)
def test_a_sane_wait_is_kept(headers: dict[str, str], seconds: float | None) -> None:
    failed = failures.failure_of(refused(429, **headers))
    assert failed is not None
    assert failed.retry_after_seconds == seconds


def test_what_does_not_pass_by_itself_has_no_wait() -> None:
    failed = failures.failure_of(refused(401, retry_after="7"))
    assert failed is not None
    assert not MEANINGS[failed.code].retryable
    assert failed.retry_after_seconds is None


def caused(error: Exception) -> openai.APIConnectionError:
    raised = openai.APIConnectionError(request=REQUEST)
    raised.__cause__ = error
    return raised


@pytest.mark.parametrize(
    ("error", "code", "is_paid"),
    [
        (caused(httpx2.ConnectError("refused")), JobFailureCode.UNREACHABLE, False),
        (caused(httpx2.ConnectTimeout("slow")), JobFailureCode.UNREACHABLE, False),
        (caused(httpx2.PoolTimeout("full")), JobFailureCode.UNREACHABLE, False),
        (caused(httpx2.ReadTimeout("slow")), JobFailureCode.TIMED_OUT, True),
        (caused(httpx2.RemoteProtocolError("gone")), JobFailureCode.UNREACHABLE, True),
        (caused(httpx2.ReadError("gone")), JobFailureCode.UNREACHABLE, True),
        (caused(httpx2.UnsupportedProtocol("ftp")), JobFailureCode.NOT_CONFIGURED, False),
        (openai.APITimeoutError(request=REQUEST), JobFailureCode.TIMED_OUT, True),
        (TimeoutError(), JobFailureCode.TIMED_OUT, True),
        (httpx2.RemoteProtocolError("cut"), JobFailureCode.MALFORMED_ANSWER, True),
        (httpx2.ReadTimeout("slow"), JobFailureCode.TIMED_OUT, True),
        (httpx2.DecodingError("no gzip"), JobFailureCode.MALFORMED_ANSWER, True),
        (ConnectionResetError(), JobFailureCode.UNREACHABLE, True),
        (openai.APIError("odd", REQUEST, body=None), JobFailureCode.SERVICE_DOWN, False),
        (openai.OpenAIError("no key"), JobFailureCode.NOT_CONFIGURED, False),
    ],
)
def test_each_break_of_a_connection_has_its_code(
    error: Exception, code: JobFailureCode, is_paid: bool
) -> None:
    failed = failures.failure_of(error)
    assert failed is not None
    assert failed.code is code
    assert failures.may_be_paid(error, failed) is is_paid


@pytest.mark.parametrize("error", [KeyError("x"), AssertionError(), TypeError()])
def test_a_bug_of_ours_is_no_failure_of_a_service(error: Exception) -> None:
    assert failures.failure_of(error) is None


def test_a_detail_is_bounded_and_holds_no_secret() -> None:
    said = "t0ken gsk_abcdefgh sk-proj-********wxyz \x00" + "x" * 1000
    failed = failures.failure_of(refused(401, {"message": said}), ("t0ken",))
    assert failed is not None
    assert len(failed.detail) == failures.LONGEST_DETAIL
    assert not [word for word in ("t0ken", "abcdefgh", "wxyz", "\x00") if word in failed.detail]
