"""Evolution API v2: send, mark as read, show typing, react, hand over a file, statuses."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import Answer, World, answer, body_of
from chatfold.sandbox.files import fetched
from chatfold.sandbox.journal import Received
from chatfold.sandbox.media import File, Media
from schemas.content import Json

PROVIDER: Final = "evolution"
PREFIX: Final = "/evolution"
UNKNOWN_NUMBERS: Final = "000"
"""A number that begins so is not on WhatsApp."""
NO_INSTANCE: Final = "gone"
NO_MESSAGE: Final = "LOST"
"""The id of a message that Evolution has kept no file of."""
SENDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sendText": "text",
        "sendMedia": "media",
        "sendWhatsAppAudio": "audio",
        "sendSticker": "sticker",
        "sendPtv": "video",
        "sendLocation": "latitude",
        "sendContact": "contact",
        "sendReaction": "key",
    }
)
"""The methods that send, and what each cannot do without."""

_FILES: Final = frozenset({"sendMedia", "sendWhatsAppAudio", "sendSticker", "sendPtv"})
_WORDS: Final = MappingProxyType({"sent": "SERVER_ACK", "delivered": "DELIVERY_ACK"})
_ERRORS: Final[Mapping[int, tuple[str, object]]] = MappingProxyType(
    {
        400: ("Bad Request", ["Error: bad-request"]),
        401: ("Unauthorized", "Unauthorized"),
        403: ("Forbidden", ["Error: forbidden"]),
        429: ("Too Many Requests", ["Error: rate-overlimit"]),
        500: ("Internal Server Error", "Connection Closed"),
        503: ("Service Unavailable", "the server is starting"),
    }
)


class Server:
    """Judges requests as an Evolution server does."""

    def judge(self, request: Received, authorization: str) -> Answer:
        """What was made of a request, or what is wrong with it."""
        if request.account == NO_INSTANCE:
            return _error(404, "Not Found", [f'The "{NO_INSTANCE}" instance does not exist'])
        if not authorization or authorization.endswith("expired"):
            return self.refuse(401, None)
        if request.method == "sendPresence":
            return Answer(201, {"presence": request.body.get("presence")})
        if not request.is_send:
            return Answer(201, {"message": "Read messages", "read": "success"})
        if wrong := _objection(request):
            return _error(400, "Bad Request", [wrong])
        return Answer(201, _sent(request), message_id_of(request))

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """A refusal in Evolution's words, or WhatsApp's passed on."""
        error, message = _ERRORS.get(status, ("Internal Server Error", "Internal Server Error"))
        headers = {"retry-after": str(retry_after)} if retry_after is not None else None
        return _error(status, error, message, headers)


def message_id_of(request: Received) -> str:
    """The name of the message that a request sends."""
    return f"3EB0SANDBOX{request.number:09}"


def _error(
    status: int, error: str, message: object, headers: Mapping[str, str] | None = None
) -> Answer:
    body: Json = {"status": status, "error": error, "response": {"message": message}}
    return Answer(status, body, headers=headers)


def _objection(request: Received) -> object:
    """What Evolution, or WhatsApp behind it, would not take."""
    needed = SENDS.get(request.method)
    if needed is None:
        return f"Cannot POST /message/{request.method}/{request.account}"
    if needed not in request.body:
        return [f'instance requires property "{needed}"']
    if not request.to:
        return ['instance requires property "number"']
    if request.to.startswith(UNKNOWN_NUMBERS):
        return {"jid": _jid(request), "exists": False, "number": request.to}
    if request.method == "sendText" and not (request.text or "").strip():
        return "Text is required"
    is_link = str(request.body[needed]).startswith(("http://", "https://"))
    if request.method in _FILES and not is_link:
        return "Owned media must be a url or base64"
    return None


def _jid(request: Received) -> str:
    to = str(request.to)
    return to if "@" in to else f"{to}@s.whatsapp.net"


def _sent(request: Received) -> Json:
    return {
        "key": {"remoteJid": _jid(request), "fromMe": True, "id": message_id_of(request)},
        "pushName": "Você",
        "status": "PENDING",
        "message": {"conversation": request.text},
        "contextInfo": None,
        "messageType": "conversation",
        "messageTimestamp": int(request.received_at.timestamp()),
        "instanceId": "00000000-0000-4000-8000-000000000000",
        "source": "web",
    }


def _webhook(received: Received, event: str, data: Json, at: datetime) -> Json:
    return {
        "event": event,
        "instance": received.account,
        "data": data,
        "destination": "",
        "date_time": at.isoformat(),
        "sender": None,
        "server_url": "",
        "apikey": None,
    }


def status_webhook(received: Received, word: str, at: datetime) -> Json:
    """The body that tells how a message that was taken fares."""
    data: Json = {
        "messageId": f"cm{received.number:09}",
        "keyId": received.message_id,
        "remoteJid": _jid(received),
        "fromMe": True,
        "participant": None,
        "status": _WORDS.get(word, word.upper()),
        "instanceId": "00000000-0000-4000-8000-000000000000",
    }
    return _webhook(received, "messages.update", data, at)


def echo_webhook(received: Received, at: datetime) -> Json:
    """The body that tells of a message that was sent through the API."""
    return _webhook(received, "send.message", _sent(received), at)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The handlers of Evolution's API."""

    world: World
    media: Media
    server: Server = field(default_factory=Server)

    def routes(self) -> list[web.RouteDef]:
        """Where Evolution answers."""
        return [
            web.post(PREFIX + "/message/{method}/{instance}", self.send),
            web.post(PREFIX + "/chat/getBase64FromMediaMessage/{instance}", self.hand_over),
            web.post(
                PREFIX + "/chat/{method:markMessageAsRead|sendPresence}/{instance}", self.show
            ),
        ]

    async def send(self, http: web.Request) -> web.Response:
        """Take a message."""
        return await self._told(http, is_send=True)

    async def show(self, http: web.Request) -> web.Response:
        """Show that a message was read, or typing."""
        return await self._told(http, is_send=False)

    async def hand_over(self, http: web.Request) -> web.StreamResponse:
        """The file that came with a message, decrypted."""
        key = http.headers.get("apikey", "")
        if not key or key.endswith("expired"):
            return self.server.refuse(401, None).response
        named = _id_in(await body_of(http))
        if named == NO_MESSAGE:
            return _error(400, "Bad Request", ["Message not found"]).response
        file = await fetched(
            self.world,
            http,
            provider=PROVIDER,
            account=http.match_info["instance"],
            name=named,
            file=self.media.find(named),
        )
        if not isinstance(file, File):
            return file
        body: Json = {
            "mediaType": "documentMessage",
            "fileName": named,
            "size": {"fileLength": {"low": len(file.data), "high": 0, "unsigned": True}},
            "mimetype": file.mime,
            "base64": b64encode(file.data).decode(),
            "buffer": None,
        }
        return Answer(201, body).response

    async def _told(self, http: web.Request, *, is_send: bool) -> web.Response:
        body = await body_of(http)
        received = Received(
            number=self.world.journal.next_number(),
            received_at=self.world.now(),
            provider=PROVIDER,
            account=http.match_info["instance"],
            method=http.match_info["method"],
            to=_number_in(body),
            text=_word(body.get("text") or body.get("caption")),
            is_send=is_send,
            body=body,
        )
        return await answer(self.world, self.server, received, http, http.headers.get("apikey", ""))


def routes(world: World, media: Media) -> list[web.RouteDef]:
    """Where Evolution answers."""
    return Endpoints(world, media).routes()


def _id_in(body: Json) -> str:
    message = body.get("message")
    key = message.get("key") if isinstance(message, dict) else None
    return str(key.get("id")) if isinstance(key, dict) else ""


def _number_in(body: Json) -> str | None:
    """Whom a request is about; a reaction and a reading name the chat in a key."""
    read = body.get("readMessages")
    key = body.get("key") or (read[0] if isinstance(read, list) and read else None)
    jid = _word(key.get("remoteJid")) if isinstance(key, dict) else None
    return _word(body.get("number")) or (jid.removesuffix("@s.whatsapp.net") if jid else None)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
