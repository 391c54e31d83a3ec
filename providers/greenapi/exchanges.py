"""Requests to Green API; its token is part of every address."""

from typing import Final
from urllib.parse import quote

from providers.answers import body_of, gone, is_gone, is_success, missing, refused
from providers.failures import FailureCode, SendFailure, Unconfirmed
from providers.greenapi import names, outgoing
from providers.greenapi.answers import failure, refusal
from providers.greenapi.hosts import is_own_url
from providers.greenapi.markers import marker
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
from providers.reading import identifier, text
from schemas import codec
from schemas.content import Json, Media

API: Final = "https://api.green-api.com"
API_TOKEN: Final = "api_token"  # noqa: S105  # the credential's name
_ANSWER_BYTES: Final = 262_144
_TYPING_MILLISECONDS: Final = 2_000
"""It waits in the queue of messages: more would hold up the answer."""


def send(
    message: Outgoing, credentials: Credentials, base_url: str | None
) -> Exchange[Accepted | SendFailure | Unconfirmed]:
    """The exchange that sends a message; what cannot be sent is refused without asking."""
    if lacking := missing(credentials, API_TOKEN):
        return lacking
    if objection := outgoing.objection(message):
        return refused(FailureCode.CONTENT_REFUSED, objection)
    method, body = outgoing.request_of(message)
    request = _call(message.account, method, body, credentials[API_TOKEN], base_url)
    response = yield request
    named = identifier(body_of(response).get("idMessage"))
    if named is not None and is_success(response):
        return Accepted(platform_message_id=named, http_status=response.status)
    return refusal(request, response)


def mark_read(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows the two blue ticks."""
    if missing(credentials, API_TOKEN) or not names.is_given(message.platform_message_id):
        return
    chat = names.address(message.platform_user_id)
    body: Json = {"chatId": chat, "idMessage": message.platform_message_id}
    yield _call(message.account, "readChat", body, credentials[API_TOKEN], base_url)


def show_typing(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows typing for a moment."""
    if missing(credentials, API_TOKEN):
        return
    chat = names.address(message.platform_user_id)
    body: Json = {"chatId": chat, "typingTime": _TYPING_MILLISECONDS}
    yield _call(message.account, "sendTyping", body, credentials[API_TOKEN], base_url)


def fetch_media(
    media: Media, credentials: Credentials, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure]:
    """The exchange that asks where a file is now, then fetches it from there.

    If the link is dead all the same, it is asked for once more.
    """
    if lacking := missing(credentials, API_TOKEN):
        return lacking
    if names.file_parts(media.reference) is None:
        return refused(FailureCode.REFUSED, "not the name of a file")
    fetched = yield from _fetched(media, credentials[API_TOKEN], base_url, max_bytes)
    if isinstance(fetched, HttpResponse):
        fetched = yield from _fetched(media, credentials[API_TOKEN], base_url, max_bytes)
    return gone(fetched) if isinstance(fetched, HttpResponse) else fetched


def _fetched(
    media: Media, token: str, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure | HttpResponse]:
    """The file, or why not; the answer itself where the link to it is dead."""
    request = _asking(media.reference, token, base_url)
    response = yield request
    if not is_success(response):
        return failure(request, response)
    url = text(body_of(response).get("downloadUrl"))
    if marker(url) is not None:
        return _too_large(response, "Green API fetches no file of more than 100 MB")
    if url is None:
        return _unavailable(response, "the answer names no place of the file")
    if not is_own_url(url, base_url):
        return refused(FailureCode.UNSAFE_ADDRESS, "the file is at a place not of Green API's")
    return (yield from _download(url, media, token, max_bytes))


def _asking(reference: str, token: str, base_url: str | None) -> HttpRequest:
    account, chat, message = names.file_parts(reference) or ("", "", "")
    body: Json = {"chatId": chat, "idMessage": message}
    return _call(account, "downloadFile", body, token, base_url)


def _download(
    url: str, media: Media, token: str, max_bytes: int
) -> Exchange[Fetched | SendFailure | HttpResponse]:
    request = HttpRequest(method="GET", url=url, secrets=_secrets(token), max_bytes=max_bytes + 1)
    response = yield request
    if is_gone(response):
        return response
    if not is_success(response):
        return failure(request, response)
    if len(response.body) > max_bytes:
        return _too_large(response, f"the file has more than {max_bytes} bytes")
    return Fetched(data=response.body, mime=media.mime or response.headers.get("content-type"))


def _call(account: str, method: str, body: Json, token: str, base_url: str | None) -> HttpRequest:
    base = (base_url or API).rstrip("/")
    instance = quote(account, safe="")
    return HttpRequest(
        method="POST",
        url=f"{base}/waInstance{instance}/{method}/{quote(token, safe='')}",
        headers={"content-type": "application/json"},
        body=codec.dumps(body),
        secrets=_secrets(token),
        max_bytes=_ANSWER_BYTES,
    )


def _secrets(token: str) -> tuple[str, ...]:
    """The token as it is, and as it stands in addresses."""
    return tuple(dict.fromkeys((token, quote(token, safe=""))))


def _unavailable(response: HttpResponse, detail: str) -> SendFailure:
    code = FailureCode.MEDIA_UNAVAILABLE
    return SendFailure(code=code, http_status=response.status, detail=detail)


def _too_large(response: HttpResponse, detail: str) -> SendFailure:
    code = FailureCode.TOO_LARGE
    return SendFailure(code=code, http_status=response.status, detail=detail)
