"""What the Bot API answers, and what its refusals mean."""

from typing import Final

from providers.answers import body_of, failed_by_status, retry_after, wait_of, words
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import HttpRequest, HttpResponse
from providers.reading import identifier, integer, mapping, text
from schemas.content import Json

_BY_WORDS: Final = (
    ("bot was blocked by the user", FailureCode.BLOCKED_BY_USER),
    ("user is deactivated", FailureCode.RECIPIENT_UNREACHABLE),
    ("bot was kicked", FailureCode.RECIPIENT_UNREACHABLE),
    ("bot is not a member", FailureCode.RECIPIENT_UNREACHABLE),
    ("bot can't initiate conversation", FailureCode.RECIPIENT_UNREACHABLE),
    ("bots can't send messages to bots", FailureCode.RECIPIENT_UNREACHABLE),
    ("not enough rights", FailureCode.RECIPIENT_UNREACHABLE),
    ("have no rights", FailureCode.RECIPIENT_UNREACHABLE),
    ("chat not found", FailureCode.RECIPIENT_UNREACHABLE),
    ("user not found", FailureCode.RECIPIENT_UNREACHABLE),
    ("peer_id_invalid", FailureCode.RECIPIENT_UNREACHABLE),
    ("file is too big", FailureCode.TOO_LARGE),
    ("too large", FailureCode.TOO_LARGE),
    ("failed to get http url content", FailureCode.MEDIA_UNAVAILABLE),
    ("temporarily unavailable", FailureCode.MEDIA_UNAVAILABLE),
    ("message is too long", FailureCode.CONTENT_REFUSED),
    ("caption is too long", FailureCode.CONTENT_REFUSED),
    ("text is empty", FailureCode.CONTENT_REFUSED),
    ("can't parse", FailureCode.CONTENT_REFUSED),
    ("wrong file identifier", FailureCode.CONTENT_REFUSED),
    ("wrong remote file", FailureCode.CONTENT_REFUSED),
)
"""Telegram gives an HTTP status and words; these words are stable, and all it has."""
_BY_STATUS: Final = {
    403: FailureCode.RECIPIENT_UNREACHABLE,
    404: FailureCode.UNAUTHENTICATED,  # the path holds the token: no such method, no such bot
}


def result_of(response: HttpResponse) -> object:
    """The result of a call that succeeded, None of any other."""
    body = body_of(response)
    succeeded = response.status < 300 and body.get("ok") is True
    return body.get("result") if succeeded else None


def refusal(request: HttpRequest, response: HttpResponse) -> SendFailure | Unconfirmed:
    """What an answer that is no success means; only the provider's own words are certain."""
    says_no = body_of(response).get("ok") is False
    if response.status < 300:
        reason, detail = Unknown.MALFORMED_ANSWER, "success without a message"
        return Unconfirmed(reason=reason, http_status=response.status, detail=detail)
    if response.status >= 500 and not says_no:
        detail = f"HTTP {response.status}"
        return Unconfirmed(reason=Unknown.SERVER_ERROR, http_status=response.status, detail=detail)
    return failure(request, response)


def failure(request: HttpRequest, response: HttpResponse) -> SendFailure:
    """The failure that an answer tells of."""
    body = body_of(response)
    said = text(body.get("description"))
    parameters = mapping(body.get("parameters"))
    moved_to = identifier(parameters.get("migrate_to_chat_id"))
    waited = wait_of(parameters.get("retry_after"))
    return SendFailure(
        code=_meaning(body, said or "", response.status, moved=moved_to is not None),
        http_status=response.status,
        detail=words(request, said, f"the chat is now {moved_to}" if moved_to else None)
        or f"HTTP {response.status}",
        retry_after_seconds=retry_after(response) if waited is None else waited,
    )


def _meaning(body: Json, said: str, status: int, *, moved: bool) -> FailureCode:
    if moved:
        return FailureCode.CHAT_MOVED
    status = integer(body.get("error_code")) or status
    if status in {401, 429}:
        return failed_by_status(status)
    lowered = said.lower()
    known = next((code for phrase, code in _BY_WORDS if phrase in lowered), None)
    return known or _BY_STATUS.get(status) or failed_by_status(status)
