"""Whapi: send, mark as read, react, show typing, look up a message, media, statuses.

The account of a request is what stands before the colon in its token: `CHANNEL:anything`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import Answer, World, answer, body_of
from chatfold.sandbox.files import handed_over
from chatfold.sandbox.journal import Received
from chatfold.sandbox.media import Media
from schemas.content import Json

PROVIDER: Final = "whapi"
PREFIX: Final = "/whapi"
TYPES: Final = frozenset(
    {
        "text",
        "image",
        "video",
        "gif",
        "short",
        "audio",
        "voice",
        "document",
        "sticker",
        "location",
        "live_location",
        "contact",
        "contact_list",
        "poll",
        "interactive",
        "link_preview",
    }
)
_FILES: Final = frozenset(
    {"image", "video", "gif", "short", "audio", "voice", "document", "sticker"}
)
_REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("Wrong request parameters", "request should have required property 'to'"),
    401: ("Need channel authorization for send message", "authorize the channel again"),
    402: ("Trial version limit exceeded", "the trial allows 150 messages a day"),
    403: ("It is forbidden to send to this group/recipient", "the recipient takes no messages"),
    404: ("Specified message not found", ""),
    413: ("Request body too large", ""),
    415: ("Unsupported media type", ""),
    429: ("Too many requests", "slow down"),
    500: ("Internal Error", "internal server error"),
    503: ("Service Unavailable", "the channel is starting"),
}
_CODES: Final = {"sent": 2, "delivered": 3, "read": 4}


class Gate:
    """Judges requests as Whapi's gate does."""

    def judge(self, request: Received, authorization: str) -> Answer:
        """The message as sent, or what is wrong with the request."""
        if not is_authorized(authorization):
            return self.refuse(401, None)
        if not request.is_send:
            return Answer(200, {"success": True})
        if wrong := _objection(request):
            return _error(400, _REFUSALS[400][0], wrong)
        return Answer(200, {"sent": True, "message": _sent(request)}, message_id_of(request))

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """A refusal in Whapi's words."""
        message, details = _REFUSALS.get(status, ("Unknown error", ""))
        headers = {"retry-after": str(retry_after)} if retry_after is not None else None
        return _error(status, message, details, headers)


def is_authorized(authorization: str) -> bool:
    """Whether a request carries a token that is not spent."""
    return authorization.startswith("Bearer ") and not authorization.endswith("expired")


def message_id_of(request: Received) -> str:
    """The name of the message that a request sends."""
    return f"sandbox.{request.number:09}-wO4sandbox"


def _error(
    status: int, message: str, details: str, headers: Mapping[str, str] | None = None
) -> Answer:
    error: Json = {
        "code": status,
        "message": message,
        "details": details,
        "href": "https://whapi.cloud/docs/whatsapp/api/errors",
        "support": "care@whapi.cloud",
    }
    return Answer(status, {"error": error}, headers=headers)


def _objection(request: Received) -> str | None:
    body, kind = request.body, request.method
    if kind not in TYPES:
        return f"type {kind} is not allowed"
    if not request.to:
        return "request should have required property 'to'"
    if kind == "text" and not request.text:
        return "request should have required property 'body'"
    if kind in _FILES and not body.get("media"):
        return "request should have required property 'media'"
    if "location" in kind and not {"latitude", "longitude"} <= body.keys():
        return "request should have required property 'latitude'"
    return None


def _sent(request: Received) -> Json:
    chat = str(request.to)
    return {
        "id": message_id_of(request),
        "from_me": True,
        "type": request.method,
        "chat_id": chat if "@" in chat else f"{chat}@s.whatsapp.net",
        "timestamp": int(request.received_at.timestamp()),
        "source": "api",
        "device_id": 1,
        "status": "pending",
        "from": request.account,
    }


def status_webhook(received: Received, word: str, at: datetime) -> Json:
    """The body that tells how a message that was taken fares."""
    status: Json = {
        "id": received.message_id,
        "code": _CODES.get(word, 1),
        "status": word,
        "recipient_id": _sent(received)["chat_id"],
        "timestamp": str(int(at.timestamp())),
    }
    event = {"type": "statuses", "event": "post"}
    return {"statuses": [status], "event": event, "channel_id": received.account}


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The handlers of Whapi's API."""

    world: World
    media: Media
    gate: Gate = field(default_factory=Gate)

    def routes(self) -> list[web.RouteDef]:
        """Where Whapi answers."""
        message, entry = PREFIX + "/messages/{message}", PREFIX + "/presences/{entry}"
        return [
            web.post(PREFIX + "/messages/{kind}", self.send),
            web.put(message, self.read),
            web.put(message + "/reaction", self.react),
            web.delete(message + "/reaction", self.react),
            web.get(message, self.describe),
            web.put(entry, self.show_presence),
            web.get(PREFIX + "/media/{media}", self.download),
        ]

    async def send(self, http: web.Request) -> web.Response:
        """Take a message."""
        return await self._told(http, http.match_info["kind"], is_send=True)

    async def read(self, http: web.Request) -> web.Response:
        """Mark a message as read."""
        return await self._told(http, "read")

    async def react(self, http: web.Request) -> web.Response:
        """Set or remove a reaction."""
        return await self._told(http, "reaction")

    async def show_presence(self, http: web.Request) -> web.Response:
        """Show typing."""
        return await self._told(http, "presence", to=http.match_info["entry"])

    async def describe(self, http: web.Request) -> web.Response:
        """A message that holds the file of the same name."""
        if not is_authorized(_authorization(http)):
            return self.gate.refuse(401, None).response
        named = http.match_info["message"]
        file = self.media.find(named)
        node = {"id": named, "mime_type": file.mime, "file_size": len(file.data)}
        return Answer(200, {"id": named, "type": "document", "document": node}).response

    async def download(self, http: web.Request) -> web.StreamResponse:
        """The bytes of a file."""
        if not is_authorized(_authorization(http)):
            return self.gate.refuse(401, None).response
        name, account = http.match_info["media"], _account(http)
        file = self.media.find(name)
        return await handed_over(
            self.world, http, provider=PROVIDER, account=account, name=name, file=file
        )

    async def _told(
        self, http: web.Request, method: str, *, to: str | None = None, is_send: bool = False
    ) -> web.Response:
        body, authorization = await body_of(http), _authorization(http)
        received = Received(
            number=self.world.journal.next_number(),
            received_at=self.world.now(),
            provider=PROVIDER,
            account=_account(http),
            method=method,
            to=to or _word(body.get("to")),
            text=_word(body.get("body") or body.get("caption")),
            is_send=is_send,
            body=body,
        )
        return await answer(self.world, self.gate, received, http, authorization)


def routes(world: World, media: Media) -> list[web.RouteDef]:
    """Where Whapi answers."""
    return Endpoints(world, media).routes()


def _account(http: web.Request) -> str:
    return _authorization(http).removeprefix("Bearer ").partition(":")[0]


def _authorization(http: web.Request) -> str:
    return http.headers.get("authorization", "")


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
