"""What Whapi answers, and what its refusals mean."""

from typing import Final

from providers.answers import body_of, failed_by_status, is_success, retry_after, words
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import HttpRequest, HttpResponse
from providers.reading import identifier, integer, mapping, text
from schemas.content import Json

_MEANING: Final = {
    401: FailureCode.UNAUTHENTICATED,  # the token, or the phone is no longer linked
    402: FailureCode.QUOTA_EXHAUSTED,  # the trial's limit
    403: FailureCode.RECIPIENT_UNREACHABLE,  # "forbidden to send to this group/recipient"
    413: FailureCode.TOO_LARGE,
    415: FailureCode.CONTENT_REFUSED,
    429: FailureCode.THROTTLED,
}
"""The statuses that Whapi's description of its API lists; `error.code` repeats them."""
_OF_THE_TOKEN: Final = ("token", "channel authorization", "unauthorized")
_UNDECIDED: Final = ("timeout", "timed out")


def message_id_of(response: HttpResponse) -> str | None:
    """The name of the message that was sent, None if the answer does not say that it was."""
    body = body_of(response)
    if not is_success(response) or body.get("sent") is False:
        return None
    return identifier(mapping(body.get("message")).get("id"))


def refusal(request: HttpRequest, response: HttpResponse) -> SendFailure | Unconfirmed:
    """What an answer that is no success means; only Whapi's own words are certain."""
    error = _error_of(response)
    if response.status < 300:
        reason, said = Unknown.MALFORMED_ANSWER, "success without a message id"
        return Unconfirmed(reason=reason, http_status=response.status, detail=said)
    if response.status >= 500 and (not error or _is_undecided(error)):
        said = words(request, f"HTTP {response.status}", text(error.get("message")))
        reason = Unknown.SERVER_ERROR
        return Unconfirmed(reason=reason, http_status=response.status, detail=said)
    return failure(request, response)


def failure(request: HttpRequest, response: HttpResponse) -> SendFailure:
    """The failure that an answer tells of."""
    error = _error_of(response)
    said = words(request, text(error.get("message")), text(error.get("details")))
    return SendFailure(
        code=_meaning(error, said, response.status),
        http_status=response.status,
        detail=said or f"HTTP {response.status}",
        retry_after_seconds=retry_after(response),
    )


def _error_of(response: HttpResponse) -> Json:
    return mapping(body_of(response).get("error"))


def _is_undecided(error: Json) -> bool:
    """Whether Whapi waited for the phone in vain: what it asked of it may yet be done."""
    said = f"{text(error.get('message'))} {text(error.get('details'))}".lower()
    return any(phrase in said for phrase in _UNDECIDED)


def _meaning(error: Json, said: str, status: int) -> FailureCode:
    if status == 403 and any(phrase in said.lower() for phrase in _OF_THE_TOKEN):
        return FailureCode.UNAUTHENTICATED
    known = _MEANING.get(status) or _MEANING.get(integer(error.get("code")) or 0)
    return known or failed_by_status(status)
