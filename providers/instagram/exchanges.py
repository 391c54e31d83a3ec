"""Requests to the Instagram Messaging API and what its answers mean."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from providers import meta
from providers.answers import body_of as answer_of
from providers.answers import is_success, missing, refused
from providers.failures import FailureCode, SendFailure, Unconfirmed
from providers.instagram import outgoing
from providers.protocol import (
    Accepted,
    Credentials,
    Exchange,
    Fetched,
    Heard,
    HttpRequest,
    HttpResponse,
    Outgoing,
)
from providers.reading import identifier
from schemas.content import Media, MessageKind

ACCESS_TOKEN: Final = "access_token"  # noqa: S105  # the credential's name
_HOPS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_EXPIRED: Final = frozenset({401, 403, 404, 410})
_SHORT: Final = 8  # a shorter value of a link's parameter is no secret


def send(
    message: Outgoing, credentials: Credentials, base_url: str | None
) -> Exchange[Accepted | SendFailure | Unconfirmed]:
    """The exchange that sends a message; what cannot be sent is refused without asking."""
    if lacking := missing(credentials, ACCESS_TOKEN):
        return lacking
    if objection := outgoing.objection(message.content):
        return refused(FailureCode.CONTENT_REFUSED, objection)
    url, body = _messages_url(base_url), outgoing.body_of(message)
    request = meta.graph_request("POST", url, credentials[ACCESS_TOKEN], body=body)
    response = yield request
    return _accepted(message, response) or meta.refusal(request, response)


def _accepted(message: Outgoing, response: HttpResponse) -> Accepted | None:
    if not is_success(response):
        return None
    told = answer_of(response)
    named = identifier(told.get("message_id"))
    is_nameless = message.content.kind is MessageKind.REACTION and "recipient_id" in told
    if named is None and not is_nameless:
        return None
    return Accepted(platform_message_id=named, http_status=response.status)


def mark_read(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows the conversation as seen."""
    yield from _act("mark_seen", message, credentials, base_url)


def show_typing(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows typing for 20 seconds or until the answer."""
    yield from _act("typing_on", message, credentials, base_url)


def _act(
    word: str, message: Heard, credentials: Credentials, base_url: str | None
) -> Exchange[None]:
    if missing(credentials, ACCESS_TOKEN):
        return
    body = outgoing.action(word, message.platform_user_id)
    yield meta.graph_request("POST", _messages_url(base_url), credentials[ACCESS_TOKEN], body=body)


def fetch_media(
    media: Media, credentials: Credentials, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure]:
    """The exchange that fetches a file by its link, from hosts of Meta's and without the token.

    Instagram gives a file no id, and tells nothing of a voice message when asked for it again,
    so the reference is the link itself. It is signed, expires, and is struck from what is shown.
    """
    url = media.reference
    if not meta.is_cdn_url(url, base_url):
        return refused(FailureCode.REFUSED, "not the link of a file of Meta's")
    secrets = tuple(credentials.values())
    request, response = yield from _asked(url, secrets, max_bytes)
    for _ in range(_HOPS):
        onward = _onward(request.url, response)
        if onward is None:
            return _fetched(request, response, max_bytes)
        if not meta.is_cdn_url(onward, base_url):
            detail = "the link leads to a host that is not Meta's"
            return refused(FailureCode.UNSAFE_ADDRESS, detail)
        request, response = yield from _asked(onward, secrets, max_bytes)
    return _fetched(request, response, max_bytes)


def _asked(
    url: str, secrets: tuple[str, ...], max_bytes: int
) -> Exchange[tuple[HttpRequest, HttpResponse]]:
    request = HttpRequest(
        method="GET", url=url, secrets=(*secrets, *_signature(url)), max_bytes=max_bytes + 1
    )
    response = yield request
    return request, response


def _onward(url: str, response: HttpResponse) -> str | None:
    """Where a redirect leads: links of `lookaside` can lead on to the CDN."""
    place = response.headers.get("location")
    if response.status not in _REDIRECTS or not place:
        return None
    try:
        return urljoin(url, place)
    except ValueError:
        return ""


def _fetched(request: HttpRequest, response: HttpResponse, max_bytes: int) -> Fetched | SendFailure:
    if response.status in _EXPIRED:
        told = meta.failure(request, response).detail
        return _unavailable(response, f"the link has expired: {told}")
    if not is_success(response):
        return meta.failure(request, response)
    if len(response.body) > max_bytes:
        detail = f"the file has more than {max_bytes} bytes"
        return SendFailure(code=FailureCode.TOO_LARGE, http_status=response.status, detail=detail)
    return Fetched(data=response.body, mime=response.headers.get("content-type"))


def _signature(url: str) -> Iterable[str]:
    """What makes the link open the file, as it is written and as it is read."""
    query = urlsplit(url).query
    values = (value for _, value in parse_qsl(query) if len(value) > _SHORT)
    return dict.fromkeys((query, unquote(query), *values))


def _messages_url(base_url: str | None) -> str:
    return f"{(base_url or meta.GRAPH).rstrip('/')}/me/messages"


def _unavailable(response: HttpResponse, detail: str) -> SendFailure:
    code = FailureCode.MEDIA_UNAVAILABLE
    return SendFailure(code=code, http_status=response.status, detail=detail)
