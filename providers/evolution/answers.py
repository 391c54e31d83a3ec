"""What Evolution answers, and what its refusals mean.

A refusal is `{status, error, response: {message}}`, where the message is words, a list of words,
or what WhatsApp knows of a number.
"""

from collections.abc import Iterator
from typing import Final

from providers.answers import body_of, failed_by_status, retry_after, words
from providers.failures import FailureCode, SendFailure, Unconfirmed, Unknown
from providers.protocol import HttpRequest, HttpResponse
from providers.reading import identifier, items, mapping, text

_BY_WORDS: Final = (
    ("rate-overlimit", FailureCode.THROTTLED),
    ("connection closed", FailureCode.PROVIDER_DOWN),
    ("connection lost", FailureCode.PROVIDER_DOWN),
    ("connection terminated", FailureCode.PROVIDER_DOWN),
    ("cannot read properties of", FailureCode.PROVIDER_DOWN),  # the instance is not connected
    ("not-authorized", FailureCode.RECIPIENT_UNREACHABLE),
    ("not-acceptable", FailureCode.RECIPIENT_UNREACHABLE),
    ("item-not-found", FailureCode.RECIPIENT_UNREACHABLE),
    ("forbidden", FailureCode.RECIPIENT_UNREACHABLE),
    ("group not found", FailureCode.RECIPIENT_UNREACHABLE),
    ("message not found", FailureCode.MEDIA_UNAVAILABLE),
    ("must be a url", FailureCode.CONTENT_REFUSED),
    ("is required", FailureCode.CONTENT_REFUSED),
    ("requires property", FailureCode.CONTENT_REFUSED),
    ("cannot be empty", FailureCode.CONTENT_REFUSED),
    ("single emoji", FailureCode.CONTENT_REFUSED),
    ("request entity too large", FailureCode.TOO_LARGE),
)
"""Evolution has no codes; these words are its own, or WhatsApp's passed on."""
_UNSURE: Final = ("timed out", "prisma", "econnreset")
"""Errors that can come after the message has gone to WhatsApp."""


def message_id_of(response: HttpResponse) -> str | None:
    """The id of the message that was taken."""
    return identifier(mapping(body_of(response).get("key")).get("id"))


def refusal(request: HttpRequest, response: HttpResponse) -> SendFailure | Unconfirmed:
    """What an answer that is no success means; only Evolution's own words are certain."""
    said = " ".join(_said(response)).lower()
    if response.status < 300:
        return _unconfirmed(Unknown.MALFORMED_ANSWER, response, "success without a message id")
    if response.status >= 500 and not said:
        return _unconfirmed(Unknown.SERVER_ERROR, response, f"HTTP {response.status}")
    if any(phrase in said for phrase in _UNSURE):
        reason = Unknown.TIMEOUT if "timed out" in said else Unknown.SERVER_ERROR
        return _unconfirmed(reason, response, words(request, *_said(response)))
    return failure(request, response)


def failure(request: HttpRequest, response: HttpResponse) -> SendFailure:
    """The failure that an answer tells of."""
    return SendFailure(
        code=_meaning(response),
        http_status=response.status,
        detail=words(request, *_said(response)) or f"HTTP {response.status}",
        retry_after_seconds=retry_after(response),
    )


def _meaning(response: HttpResponse) -> FailureCode:
    if response.status in {401, 429}:
        return failed_by_status(response.status)
    if _is_unknown_number(response):
        return FailureCode.RECIPIENT_UNREACHABLE
    said = " ".join(_said(response)).lower()
    known = next((code for phrase, code in _BY_WORDS if phrase in said), None)
    if known is None and response.status == 404:
        return FailureCode.NOT_CONFIGURED  # no such instance, or no Evolution at this address
    return known or failed_by_status(response.status)


def _is_unknown_number(response: HttpResponse) -> bool:
    told = items(mapping(body_of(response).get("response")).get("message"))
    return any(mapping(one).get("exists") is False for one in told)


def _said(response: HttpResponse) -> Iterator[str]:
    """Its words, without what WhatsApp knows of a number but that it is unknown."""
    told = mapping(body_of(response).get("response")).get("message")
    for one in told if isinstance(told, list) else [told]:
        if mapping(one).get("exists") is False:
            yield "WhatsApp does not know this number"
        for inner in one if isinstance(one, list) else [one]:
            if words_of := text(inner):
                yield words_of
    if not told and (error := text(body_of(response).get("error"))):
        yield error


def _unconfirmed(reason: Unknown, response: HttpResponse, detail: str) -> Unconfirmed:
    return Unconfirmed(reason=reason, http_status=response.status, detail=detail)
