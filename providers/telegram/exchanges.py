"""Requests to the Bot API."""

import re
from typing import Final
from urllib.parse import quote

from providers.answers import gone, is_gone, is_success, missing, refused
from providers.failures import FailureCode, SendFailure, Unconfirmed
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
from providers.reading import identifier, integer, mapping, text
from providers.telegram import names, outgoing
from providers.telegram.answers import failure, refusal, result_of
from schemas import codec
from schemas.content import Json, Media

API: Final = "https://api.telegram.org"
BOT_TOKEN: Final = "bot_token"  # noqa: S105  # the credential's name
DOWNLOAD_LIMIT: Final = 20_000_000
"""The Bot API serves no larger file."""
_ANSWER_BYTES: Final = 262_144
_FILE_PATH: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def send(
    message: Outgoing, credentials: Credentials, base_url: str | None
) -> Exchange[Accepted | SendFailure | Unconfirmed]:
    """The exchange that sends a message; what cannot be sent is refused without asking."""
    if lacking := missing(credentials, BOT_TOKEN):
        return lacking
    if objection := outgoing.objection(message):
        return refused(FailureCode.CONTENT_REFUSED, objection)
    method, body = outgoing.request_of(message)
    request = _call(method, body, credentials[BOT_TOKEN], base_url)
    response = yield request
    return _accepted(message, response) or refusal(request, response)


def _accepted(message: Outgoing, response: HttpResponse) -> Accepted | None:
    result = result_of(response)
    if result is True:  # a reaction has no name of its own
        return Accepted(platform_message_id=None, http_status=response.status)
    sent = mapping(result)
    number = identifier(sent.get("message_id"))
    if number is None:
        return None
    connection, _, asked = message.to.rpartition(":")
    chat = names.first_id(sent.get("chat")) or asked
    place = f"{connection}:{chat}" if connection else chat
    return Accepted(platform_message_id=f"{place}:{number}", http_status=response.status)


def mark_read(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that stops a pressed button's spinner, or reads a business message.

    Telegram lets bots mark nothing else as read.
    """
    asked = _reading(message.platform_message_id)
    if asked is None or missing(credentials, BOT_TOKEN):
        return
    method, body = asked
    yield _call(method, body, credentials[BOT_TOKEN], base_url)


def show_typing(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows typing for five seconds or until the answer."""
    if missing(credentials, BOT_TOKEN):
        return
    body = {**names.address(message.platform_user_id), "action": "typing"}
    yield _call("sendChatAction", body, credentials[BOT_TOKEN], base_url)


def _reading(platform_message_id: str) -> tuple[str, Json] | None:
    chat, _, _ = platform_message_id.rpartition(":")
    if not chat:
        return "answerCallbackQuery", {"callback_query_id": platform_message_id}
    number = names.number_in(chat, platform_message_id)
    if number is None or ":" not in chat:
        return None
    return "readBusinessMessage", {**names.address(chat), "message_id": number}


def fetch_media(
    media: Media, credentials: Credentials, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure]:
    """The exchange that asks where a file is, then fetches it.

    The link lives for an hour; if it is dead all the same, it is asked for once more.
    """
    if lacking := missing(credentials, BOT_TOKEN):
        return lacking
    limit, token = min(max_bytes, DOWNLOAD_LIMIT), credentials[BOT_TOKEN]
    fetched = yield from _fetched(media, token, base_url, limit)
    if isinstance(fetched, HttpResponse):
        fetched = yield from _fetched(media, token, base_url, limit)
    return gone(fetched) if isinstance(fetched, HttpResponse) else fetched


def _fetched(
    media: Media, token: str, base_url: str | None, limit: int
) -> Exchange[Fetched | SendFailure | HttpResponse]:
    """The file, or why not; the answer itself where the link to it is dead."""
    request = _call("getFile", {"file_id": media.reference}, token, base_url)
    response = yield request
    if not is_success(response):
        return failure(request, response)
    found = mapping(result_of(response))
    if (integer(found.get("file_size")) or 0) > limit:
        return _too_large(response, limit)
    path = text(found.get("file_path")) or ""
    if not _FILE_PATH.fullmatch(path):
        return _unavailable(response, "the answer names no path to the file")
    return (yield from _download(path, media, token, base_url, limit))


def _download(
    path: str, media: Media, token: str, base_url: str | None, limit: int
) -> Exchange[Fetched | SendFailure | HttpResponse]:
    url = f"{_base(base_url)}/file/bot{_quoted(token)}/{path}"
    request = HttpRequest(method="GET", url=url, secrets=_secrets(token), max_bytes=limit + 1)
    response = yield request
    if is_gone(response):
        return response
    if not is_success(response):
        return failure(request, response)
    if len(response.body) > limit:
        return _too_large(response, limit)
    return Fetched(data=response.body, mime=media.mime or response.headers.get("content-type"))


def _call(method: str, body: Json, token: str, base_url: str | None) -> HttpRequest:
    return HttpRequest(
        method="POST",
        url=f"{_base(base_url)}/bot{_quoted(token)}/{method}",
        headers={"content-type": "application/json"},
        body=codec.dumps(body),
        secrets=_secrets(token),
        max_bytes=_ANSWER_BYTES,
    )


def _base(base_url: str | None) -> str:
    return (base_url or API).rstrip("/")


def _quoted(token: str) -> str:
    return quote(token, safe=":")


def _secrets(token: str) -> tuple[str, ...]:
    """The token as it is, and as it stands in URLs."""
    return tuple(dict.fromkeys((token, _quoted(token), quote(token, safe=""))))


def _unavailable(response: HttpResponse, detail: str) -> SendFailure:
    code = FailureCode.MEDIA_UNAVAILABLE
    return SendFailure(code=code, http_status=response.status, detail=detail)


def _too_large(response: HttpResponse, limit: int) -> SendFailure:
    detail = f"the file has more than {limit} bytes"
    return SendFailure(code=FailureCode.TOO_LARGE, http_status=response.status, detail=detail)
