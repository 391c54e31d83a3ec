"""Telegram Bot API: send methods, getFile and files."""

import re
from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import Answer, World, answer, body_of
from chatfold.sandbox.files import handed_over
from chatfold.sandbox.journal import Received
from chatfold.sandbox.media import Media
from schemas.content import Json

PROVIDER: Final = "telegram"
_TOKEN: Final = re.compile(r"\d+:[A-Za-z0-9_-]+")
_LONGEST_TEXT: Final = 4096
_REFUSALS: Final[dict[int, str]] = {
    400: "Bad Request: chat not found",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class BotApi:
    """Judges requests as the Bot API does."""

    def judge(self, request: Received, authorization: str) -> Answer:
        """The message as sent, or what is wrong with the request."""
        if not _TOKEN.fullmatch(authorization):
            return _error(404, "Not Found")
        if authorization.endswith(":expired"):
            return _error(401, "Unauthorized")
        if not request.is_send:
            return Answer(200, {"ok": True, "result": True})
        wrong = _objection(request)
        return _error(400, f"Bad Request: {wrong}") if wrong else _sent(request)

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """A refusal in Telegram's words."""
        if status == 429:
            seconds = retry_after if retry_after is not None else 1
            description = f"Too Many Requests: retry after {seconds}"
            return _error(429, description, {"retry_after": seconds})
        return _error(status, _REFUSALS.get(status, "Unknown error"))


def _error(code: int, description: str, parameters: Json | None = None) -> Answer:
    body: Json = {"ok": False, "error_code": code, "description": description}
    return Answer(code, body | ({"parameters": parameters} if parameters else {}))


def _objection(request: Received) -> str | None:
    if not request.to:
        return "chat_id is empty"
    if request.method != "sendMessage":
        return None
    if not request.text:
        return "message text is empty"
    return "message is too long" if len(request.text) > _LONGEST_TEXT else None


def _sent(request: Received) -> Answer:
    chat = str(request.to)
    number = int(chat) if chat.lstrip("-").isdecimal() else 0
    bot: Json = {"id": int(request.account), "is_bot": True, "first_name": "Sandbox"}
    result: Json = {
        "message_id": request.number,
        "from": bot,
        "chat": {"id": number, "type": "group" if number < 0 else "private"},
        "date": int(request.received_at.timestamp()),
        "text": request.text,
    }
    return Answer(200, {"ok": True, "result": result}, str(request.number))


def routes(world: World, media: Media) -> list[web.RouteDef]:
    """Where the Bot API answers."""
    api = BotApi()

    async def call(http: web.Request) -> web.Response:
        body, token = await body_of(http), http.match_info["token"]
        method = http.match_info["method"]
        if method == "getFile":
            return _described(media, str(body.get("file_id")))
        received = Received(
            number=world.journal.next_number(),
            received_at=world.now(),
            provider=PROVIDER,
            account=token.partition(":")[0],
            method=method,
            to=str(body["chat_id"]) if body.get("chat_id") else None,
            text=_word(body.get("text") or body.get("caption")),
            is_send=method.startswith(("send", "setMessageReaction")),
            body=body,
        )
        return await answer(world, api, received, http, token)

    async def download(http: web.Request) -> web.StreamResponse:
        name = http.match_info["path"].rpartition("/")[2]
        account = http.match_info["token"].partition(":")[0]
        return await handed_over(
            world, http, provider=PROVIDER, account=account, name=name, file=media.find(name)
        )

    return [
        web.post("/bot{token}/{method}", call),
        web.get("/file/bot{token}/{path:.+}", download),
    ]


def _described(media: Media, file_id: str) -> web.Response:
    file = media.find(file_id)
    result: Json = {
        "file_id": file_id,
        "file_unique_id": file_id,
        "file_size": len(file.data),
        "file_path": f"files/{file_id}",
    }
    return Answer(200, {"ok": True, "result": result}).response


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None
