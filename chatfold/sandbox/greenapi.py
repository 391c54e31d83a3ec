"""Green API: send methods, readChat, sendTyping, downloadFile and files.

A token that ends in `expired`, `starting` or `spent` belongs to an instance in that state.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from aiohttp import web

from chatfold.sandbox.exchange import Answer, World, answer, body_of
from chatfold.sandbox.files import handed_over
from chatfold.sandbox.journal import Received
from chatfold.sandbox.media import Media
from schemas.content import Json

PROVIDER: Final = "greenapi"
_LONGEST_TEXT: Final = 20_000
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "sendMessage": ("chatId", "message"),
    "sendFileByUrl": ("chatId", "urlFile", "fileName"),
    "sendLocation": ("chatId", "latitude", "longitude"),
    "sendContact": ("chatId", "contact"),
    "sendReaction": ("chatId", "idMessage"),
    "readChat": ("chatId",),
    "sendTyping": ("chatId",),
    "downloadFile": ("chatId", "idMessage"),
}
_ADDRESSES: Final = ("@c.us", "@g.us", "@lid")
_REFUSALS: Final[dict[int, str]] = {
    400: "bad request data",
    401: "Unauthorized",
    403: "Forbidden",
    429: "Too Many Requests",
    500: "Internal server error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class GreenApi:
    """Judges requests as Green API does; `origin` and `path` are those of the request."""

    origin: str
    path: str

    def judge(self, request: Received, authorization: str) -> Answer:
        """The name of a message, or what is wrong with the request."""
        if authorization.endswith("expired"):
            return self.refuse(401, None)
        if authorization.endswith("starting"):
            return self._error(400, "instance in starting process try later")
        if authorization.endswith("spent"):
            return _spent(request)
        if request.method not in _NEEDED:
            return self._error(404, f"Cannot POST {self.path}")
        wrong = _objection(request)
        return (
            self._error(400, f"Validation failed. Details: {wrong}")
            if wrong
            else self._done(request)
        )

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """A refusal in Green API's words."""
        return self._error(status, _REFUSALS.get(status, "Unknown error"), retry_after)

    def _error(self, status: int, message: str, retry_after: int | None = None) -> Answer:
        """Its errors repeat the path, and with it the token."""
        body: Json = {"statusCode": status, "path": self.path, "message": message}
        headers = {"retry-after": str(retry_after)} if retry_after is not None else None
        return Answer(status, body, headers=headers)

    def _done(self, request: Received) -> Answer:
        match request.method:
            case "readChat":
                return Answer(200, {"setRead": True})
            case "sendTyping":
                return Answer(200, {})
            case "downloadFile":
                name = quote(str(request.body["idMessage"]), safe="")
                return Answer(200, {"downloadUrl": f"{self.origin}/_greenapi/{name}"})
            case _:
                named = f"3EB0{request.number:016X}"
                return Answer(200, {"idMessage": named}, named)


def status_webhook(received: Received, word: str, at: datetime) -> Json:
    """The body that tells how a message that was taken fares."""
    instance: Json = {"idInstance": received.account, "wid": "", "typeInstance": "whatsapp"}
    return {
        "typeWebhook": "outgoingMessageStatus",
        "chatId": received.to,
        "instanceData": instance,
        "timestamp": int(at.timestamp()),
        "idMessage": received.message_id,
        "status": word,
        "sendByApi": True,
    }


def _spent(request: Received) -> Answer:
    status: Json = {
        "method": request.method.lower(),
        "used": 100,
        "total": 100,
        "status": "QUOTE_EXCEEDED",
        "description": "Monthly quota has been exceeded.",
    }
    return Answer(466, {"invokeStatus": status})


def _objection(request: Received) -> str | None:
    body = request.body
    for name in _NEEDED[request.method]:
        if body.get(name) in (None, ""):
            return f"'{name}' is required"
    if not str(body["chatId"]).endswith(_ADDRESSES):
        return "'chatId' must be one of the following formats: phone_number@c.us or group_id@g.us"
    if len(str(body.get("message", ""))) > _LONGEST_TEXT:
        return f"'message' length must be less than or equal to {_LONGEST_TEXT} characters long"
    return None


def routes(world: World, media: Media) -> list[web.RouteDef]:
    """Where Green API answers."""

    async def call(http: web.Request) -> web.Response:
        body, method = await body_of(http), http.match_info["method"]
        received = Received(
            number=world.journal.next_number(),
            received_at=world.now(),
            provider=PROVIDER,
            account=http.match_info["account"],
            method=method,
            to=_word(body.get("chatId")),
            text=_word(body.get("message") or body.get("caption")),
            is_send=method.startswith("send") and method != "sendTyping",
            body=body,
        )
        api = GreenApi(f"{http.scheme}://{http.host}", http.path)
        return await answer(world, api, received, http, http.match_info["token"])

    async def download(http: web.Request) -> web.StreamResponse:
        name = http.match_info["media"]
        return await handed_over(
            world, http, provider=PROVIDER, account="", name=name, file=media.find(name)
        )

    return [
        web.post("/waInstance{account}/{method}/{token}", call),
        web.get("/_greenapi/{media}", download),
    ]


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
