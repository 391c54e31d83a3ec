"""Requests to Whapi's API.

A file is always fetched by its id from the API itself, with the token, and never by the link
that a webhook may hold: the link is at a storage that changes, leads whoever has it to the file,
and would be a host of somebody else's choice.
"""

from typing import Final
from urllib.parse import quote

from providers.answers import body_of, is_success, missing, refused
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
from providers.whapi import outgoing
from providers.whapi.answers import failure, message_id_of, refusal
from providers.whapi.content import OF_MESSAGE, content_of
from schemas import codec
from schemas.content import Json, Media, MessageKind

API: Final = "https://gate.whapi.cloud"
API_TOKEN: Final = "api_token"  # noqa: S105  # the credential's name
_ANSWER_BYTES: Final = 1_000_000  # a message that is looked up comes with its preview


def send(
    message: Outgoing, credentials: Credentials, base_url: str | None
) -> Exchange[Accepted | SendFailure | Unconfirmed]:
    """The exchange that sends a message; what cannot be sent is refused without asking."""
    if lacking := missing(credentials, API_TOKEN):
        return lacking
    if objection := outgoing.objection(message.content):
        return refused(FailureCode.CONTENT_REFUSED, objection)
    method, path, body = outgoing.request_of(message)
    request = _call(method, path, credentials, base_url, body)
    response = yield request
    named = message_id_of(response)
    is_reaction = message.content.kind is MessageKind.REACTION
    if named is not None or (is_reaction and _is_done(response)):
        return Accepted(platform_message_id=named, http_status=response.status)
    return refusal(request, response)


def _is_done(response: HttpResponse) -> bool:
    """A reaction has no name of its own."""
    return is_success(response) and body_of(response).get("success") is True


def mark_read(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows the two blue ticks."""
    named = message.platform_message_id
    if missing(credentials, API_TOKEN) or not outgoing.is_id(named):
        return
    yield _call("PUT", f"/messages/{named}", credentials, base_url)


def show_typing(message: Heard, credentials: Credentials, base_url: str | None) -> Exchange[None]:
    """The exchange that shows typing until the answer."""
    if missing(credentials, API_TOKEN) or not message.platform_user_id.strip("."):
        return
    path = f"/presences/{quote(message.platform_user_id, safe='@')}"
    yield _call("PUT", path, credentials, base_url, {"presence": "typing"})


def fetch_media(
    media: Media, credentials: Credentials, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure]:
    """The exchange that fetches a file, after asking for its id where the webhook had none."""
    if lacking := missing(credentials, API_TOKEN):
        return lacking
    if media.reference.startswith(OF_MESSAGE):
        found = yield from _look_up(media, credentials, base_url)
        if isinstance(found, SendFailure):
            return found
        media = found
    if not outgoing.is_id(media.reference):
        return refused(FailureCode.MEDIA_UNAVAILABLE, "not the id of a file")
    if (media.size or 0) > max_bytes:
        return refused(FailureCode.TOO_LARGE, f"the file has more than {max_bytes} bytes")
    return (yield from _download(media, credentials, base_url, max_bytes))


def _look_up(
    media: Media, credentials: Credentials, base_url: str | None
) -> Exchange[Media | SendFailure]:
    named = media.reference.removeprefix(OF_MESSAGE)
    if not outgoing.is_id(named):
        return refused(FailureCode.MEDIA_UNAVAILABLE, "not the id of a message")
    request = _call("GET", f"/messages/{named}", credentials, base_url)
    response = yield request
    if not is_success(response):
        return failure(request, response)
    found = content_of({**body_of(response), "id": None}).media
    if found is None:
        return refused(FailureCode.PROVIDER_DOWN, "the message names no file yet")
    return found


def _download(
    media: Media, credentials: Credentials, base_url: str | None, max_bytes: int
) -> Exchange[Fetched | SendFailure]:
    path = f"/media/{media.reference}"
    request = _call("GET", path, credentials, base_url, max_bytes=max_bytes + 1)
    response = yield request
    if not is_success(response):
        return _not_there(response) or failure(request, response)
    if len(response.body) > max_bytes:
        detail = f"the file has more than {max_bytes} bytes"
        return SendFailure(code=FailureCode.TOO_LARGE, http_status=response.status, detail=detail)
    return Fetched(data=response.body, mime=media.mime or response.headers.get("content-type"))


def _not_there(response: HttpResponse) -> SendFailure | None:
    if response.status != 404:
        return None
    code, detail = FailureCode.MEDIA_UNAVAILABLE, "the file is not there, or no more"
    return SendFailure(code=code, http_status=response.status, detail=detail)


def _call(
    method: str,
    path: str,
    credentials: Credentials,
    base_url: str | None,
    body: Json | None = None,
    *,
    max_bytes: int = _ANSWER_BYTES,
) -> HttpRequest:
    token = credentials[API_TOKEN]
    headers = {"authorization": f"Bearer {token}"}
    if body is not None:
        headers["content-type"] = "application/json"
    return HttpRequest(
        method=method,
        url=f"{(base_url or API).rstrip('/')}{path}",
        headers=headers,
        body=b"" if body is None else codec.dumps(body),
        secrets=(token,),
        max_bytes=max_bytes,
    )
