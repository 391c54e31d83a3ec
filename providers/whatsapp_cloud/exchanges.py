"""Requests to the Cloud API and what its answers mean."""

import re
from typing import Final
from urllib.parse import quote

from providers import meta
from providers.answers import body_of as answer_of
from providers.answers import gone, is_gone, is_success, missing, refused
from providers.failures import FailureCode, SendFailure, Unconfirmed
from providers.protocol import (
    Accepted,
    Credentials,
    Exchange,
    Fetched,
    Heard,
    HttpResponse,
    Outgoing,
)
from providers.reading import identifier, integer, items, mapping, text
from providers.whatsapp_cloud import outgoing
from schemas.content import Json, Media

ACCESS_TOKEN: Final = "access_token"  # noqa: S105  # the credential's name
_MEDIA_ID: Final = re.compile(r"[A-Za-z0-9_-]+")


def send(
    message: Outgoing, credentials: Credentials, base_url: str | None
) -> Exchange[Accepted | SendFailure | Unconfirmed]:
    """The exchange that sends a message; what cannot be sent is refused without asking."""
    if lacking := missing(credentials, ACCESS_TOKEN):
        return lacking
    if objection := outgoing.objection(message.content):
        return refused(FailureCode.CONTENT_REFUSED, objection)
    url, body = _messages_url(message.account, base_url), outgoing.body_of(message)
    request = meta.graph_request("POST", url, credentials[ACCESS_TOKEN], body=body)
    response = yield request
    message_id = _message_id(response)
    if message_id is not None and is_success(response):
        return Accepted(platform_message_id=message_id, http_status=response.status)
    return meta.refusal(request, response)


def mark_read(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows the two blue ticks."""
    yield from _tell(message, {}, credentials, base_url)


def show_typing(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows typing for 25 seconds or until the answer, and the blue ticks."""
    yield from _tell(message, {"typing_indicator": {"type": "text"}}, credentials, base_url)


def _tell(
    message: Heard, more: Json, credentials: Credentials, base_url: str | None
) -> Exchange[None]:
    if missing(credentials, ACCESS_TOKEN):
        return
    body: Json = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": message.platform_message_id,
    }
    url = _messages_url(message.account, base_url)
    yield meta.graph_request("POST", url, credentials[ACCESS_TOKEN], body=body | more)


def fetch_media(
    media: Media, credentials: Credentials, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure]:
    """The exchange that asks where a file is, then fetches it from a host of Meta's.

    The link lives for five minutes; if it is dead all the same, it is asked for once more.
    """
    if lacking := missing(credentials, ACCESS_TOKEN):
        return lacking
    if not _MEDIA_ID.fullmatch(media.reference):
        return refused(FailureCode.REFUSED, "not the id of a file")
    token = credentials[ACCESS_TOKEN]
    fetched = yield from _fetched(media.reference, token, base_url, max_bytes)
    if isinstance(fetched, HttpResponse):
        fetched = yield from _fetched(media.reference, token, base_url, max_bytes)
    return gone(fetched) if isinstance(fetched, HttpResponse) else fetched


def _fetched(
    reference: str, token: str, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure | HttpResponse]:
    """The file, or why not; the answer itself where the link to it is dead."""
    request = meta.graph_request("GET", f"{_base(base_url)}/{reference}", token)
    response = yield request
    if not is_success(response):
        return meta.failure(request, response)
    told = answer_of(response)
    url = text(told.get("url"))
    if url is None:
        return _unavailable(response, "the answer names no URL")
    if (integer(told.get("file_size")) or 0) > max_bytes:
        return _too_large(response, max_bytes)
    if not meta.is_own_url(url, base_url):
        return refused(FailureCode.UNSAFE_ADDRESS, "the file is on a host that is not Meta's")
    return (yield from _download(url, token, text(told.get("mime_type")), max_bytes))


def _download(
    url: str, token: str, mime: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure | HttpResponse]:
    request = meta.graph_request("GET", url, token, max_bytes=max_bytes + 1)
    response = yield request
    if is_gone(response):
        return response
    if not is_success(response):
        return meta.failure(request, response)
    if len(response.body) > max_bytes:
        return _too_large(response, max_bytes)
    return Fetched(data=response.body, mime=mime or response.headers.get("content-type"))


def _base(base_url: str | None) -> str:
    return (base_url or meta.GRAPH).rstrip("/")


def _messages_url(account: str, base_url: str | None) -> str:
    return f"{_base(base_url)}/{quote(account, safe='')}/messages"


def _message_id(response: HttpResponse) -> str | None:
    named = items(answer_of(response).get("messages"))
    return identifier(mapping(named[0]).get("id")) if named else None


def _unavailable(response: HttpResponse, detail: str) -> SendFailure:
    return SendFailure(
        code=FailureCode.MEDIA_UNAVAILABLE, http_status=response.status, detail=detail
    )


def _too_large(response: HttpResponse, max_bytes: int) -> SendFailure:
    detail = f"the file has more than {max_bytes} bytes"
    return SendFailure(code=FailureCode.TOO_LARGE, http_status=response.status, detail=detail)
