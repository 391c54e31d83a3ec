"""Requests to an Evolution server."""

import binascii
from typing import Final
from urllib.parse import quote

from providers import jids
from providers.answers import body_of, is_success, missing, refused
from providers.evolution import outgoing
from providers.evolution.answers import failure, message_id_of, refusal
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
from providers.reading import text
from schemas import codec
from schemas.content import Json, Media

API_KEY: Final = "api_key"
TYPING_MILLISECONDS: Final = 2_000
"""Evolution answers only when the typing is over; a reply may wait for it."""
_ANSWER_BYTES: Final = 262_144
_AROUND_FILE: Final = 65_536
"""What stands around the base64 of a file: its name, caption and type."""


def send(
    message: Outgoing, credentials: Credentials, base_url: str | None
) -> Exchange[Accepted | SendFailure | Unconfirmed]:
    """The exchange that sends a message; what cannot be sent is refused without asking."""
    if lacking := _lacking(credentials, base_url):
        return lacking
    if objection := outgoing.objection(message.content):
        return refused(FailureCode.CONTENT_REFUSED, objection)
    method, body = outgoing.request_of(message)
    request = _call(f"message/{method}", message.account, body, credentials, base_url)
    response = yield request
    message_id = message_id_of(response)
    if message_id is not None and is_success(response):
        return Accepted(platform_message_id=message_id, http_status=response.status)
    return refusal(request, response)


def mark_read(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows the blue ticks; Evolution does so for no hidden person."""
    if _lacking(credentials, base_url) or message.platform_user_id.endswith("@lid"):
        return
    read: Json = {
        "remoteJid": jids.address(message.platform_user_id),
        "fromMe": False,
        "id": message.platform_message_id,
    }
    body: Json = {"readMessages": [read]}
    yield _call("chat/markMessageAsRead", message.account, body, credentials, base_url)


def show_typing(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows typing for two seconds."""
    if _lacking(credentials, base_url):
        return
    body: Json = {
        "number": message.platform_user_id,
        "presence": "composing",
        "delay": TYPING_MILLISECONDS,
    }
    yield _call("chat/sendPresence", message.account, body, credentials, base_url)


def fetch_media(
    media: Media, credentials: Credentials, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure]:
    """The exchange that has Evolution decrypt a file and hand it over in base64."""
    if lacking := _lacking(credentials, base_url):
        return lacking
    instance, _, message_id = media.reference.rpartition("/")
    if not instance or not message_id:
        return refused(FailureCode.REFUSED, "not the name of an instance and a message")
    if media.size is not None and media.size > max_bytes:
        return _too_large(None, max_bytes)
    body: Json = {"message": {"key": {"id": message_id}}, "convertToMp4": False}
    path, limit = "chat/getBase64FromMediaMessage", _base64_length(max_bytes) + _AROUND_FILE
    request = _call(path, instance, body, credentials, base_url, max_bytes=limit)
    response = yield request
    if not is_success(response):
        return failure(request, response)
    return _file(response, limit, max_bytes)


def _file(response: HttpResponse, limit: int, max_bytes: int) -> Fetched | SendFailure:
    if len(response.body) >= limit:
        return _too_large(response.status, max_bytes)
    told = body_of(response)
    encoded = text_of(told)
    if encoded is None:
        return _unavailable(response, "the answer holds no file")
    if len(encoded) > _base64_length(max_bytes):
        return _too_large(response.status, max_bytes)
    try:
        data = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:
        return _unavailable(response, "the file is not in base64")
    if len(data) > max_bytes:
        return _too_large(response.status, max_bytes)
    return Fetched(data=data, mime=text(told.get("mimetype")))


def text_of(told: Json) -> str | None:
    """The base64 in an answer, without a data URL's beginning."""
    encoded = told.get("base64")
    if not isinstance(encoded, str) or not encoded:
        return None
    return encoded.rpartition(",")[2] if encoded.startswith("data:") else encoded


def _base64_length(size: int) -> int:
    return (size + 2) // 3 * 4


def _lacking(credentials: Credentials, base_url: str | None) -> SendFailure | None:
    """Evolution runs on a server of one's own: nobody but the account can say where."""
    if lacking := missing(credentials, API_KEY):
        return lacking
    if not base_url:
        return refused(FailureCode.NOT_CONFIGURED, "the account has no base_url of its server")
    return None


def _call(
    path: str,
    instance: str,
    body: Json,
    credentials: Credentials,
    base_url: str | None,
    *,
    max_bytes: int = _ANSWER_BYTES,
) -> HttpRequest:
    key = credentials[API_KEY]
    return HttpRequest(
        method="POST",
        url=f"{(base_url or '').rstrip('/')}/{path}/{quote(instance, safe='')}",
        headers={"content-type": "application/json", "apikey": key},
        body=codec.dumps(body),
        secrets=(key,),
        max_bytes=max_bytes,
    )


def _unavailable(response: HttpResponse, detail: str) -> SendFailure:
    code = FailureCode.MEDIA_UNAVAILABLE
    return SendFailure(code=code, http_status=response.status, detail=detail)


def _too_large(status: int | None, max_bytes: int) -> SendFailure:
    detail = f"the file has more than {max_bytes} bytes"
    return SendFailure(code=FailureCode.TOO_LARGE, http_status=status, detail=detail)
