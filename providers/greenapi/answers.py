"""What Green API answers, and what its refusals mean."""

from typing import Final

from providers.answers import body_of, failed_by_status, retry_after, words
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import HttpRequest, HttpResponse
from providers.reading import mapping, text

_BY_WORDS: Final = (
    ("starting process", FailureCode.PROVIDER_DOWN),
    ("not authorized", FailureCode.PROVIDER_DOWN),  # the phone is offline, or must be linked again
    ("exceeded max upload size", FailureCode.TOO_LARGE),
    ("encrypted url not found", FailureCode.MEDIA_UNAVAILABLE),
    ("'urlfile'", FailureCode.CONTENT_REFUSED),
    ("'chatid'", FailureCode.RECIPIENT_UNREACHABLE),
    ("validation failed", FailureCode.CONTENT_REFUSED),
    ("bad request data", FailureCode.CONTENT_REFUSED),
)
_BY_STATUS: Final = {
    401: FailureCode.UNAUTHENTICATED,  # the token
    403: FailureCode.UNAUTHENTICATED,  # the instance
    466: FailureCode.QUOTA_EXHAUSTED,
}
_OPEN: Final = frozenset({499, 502, 504})
"""Its front waited in vain for what is behind it, which may have taken the message."""
_QUOTAS: Final = ("correspondentsStatus", "invokeStatus")
_LONGEST_PLAIN: Final = 500


def refusal(request: HttpRequest, response: HttpResponse) -> SendFailure | Unconfirmed:
    """What an answer that names no message means; only Green API's own words are certain."""
    if response.status < 300:
        return _unconfirmed(Unknown.MALFORMED_ANSWER, response, "success without a message")
    is_silent = response.status >= 500 and text(body_of(response).get("message")) is None
    if response.status in _OPEN or is_silent:
        return _unconfirmed(Unknown.SERVER_ERROR, response, f"HTTP {response.status}")
    return failure(request, response)


def failure(request: HttpRequest, response: HttpResponse) -> SendFailure:
    """The failure that an answer tells of."""
    said = _said(response)
    return SendFailure(
        code=_meaning(said or "", response.status),
        http_status=response.status,
        detail=words(request, said) or f"HTTP {response.status}",
        retry_after_seconds=retry_after(response),
    )


def _meaning(said: str, status: int) -> FailureCode:
    if status == 429:
        return FailureCode.THROTTLED
    lowered = said.lower()
    known = next((code for phrase, code in _BY_WORDS if phrase in lowered), None)
    return _BY_STATUS.get(status) or known or failed_by_status(status)


def _said(response: HttpResponse) -> str | None:
    """Its words; never the `path` beside them, which holds the token."""
    body = body_of(response)
    quotas = (text(mapping(body.get(name)).get("description")) for name in _QUOTAS)
    told = text(body.get("message")) or next((one for one in quotas if one), None)
    return told or (None if body else _plain(response.body))


def _plain(body: bytes) -> str | None:
    """Some errors are words and no JSON."""
    told = body[:_LONGEST_PLAIN].decode(errors="replace").strip(' {}[]"\r\n\t')
    return None if told.startswith("<") else told or None


def _unconfirmed(reason: Unknown, response: HttpResponse, detail: str) -> Unconfirmed:
    return Unconfirmed(reason=reason, http_status=response.status, detail=detail)
