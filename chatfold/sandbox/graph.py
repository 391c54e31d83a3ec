"""WhatsApp Cloud API: send, mark as read, media."""

from base64 import b64encode
from datetime import datetime
from hashlib import sha256
from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import Answer, World, answer, body_of
from chatfold.sandbox.files import handed_over
from chatfold.sandbox.journal import Received
from chatfold.sandbox.media import Media
from schemas.content import Json

PROVIDER: Final = "whatsapp_cloud"
TYPES: Final = frozenset(
    {
        "text",
        "image",
        "audio",
        "video",
        "document",
        "sticker",
        "location",
        "contacts",
        "reaction",
        "interactive",
        "template",
    }
)
_LONGEST_TEXT: Final = 4096
_REFUSALS: Final[dict[int, tuple[int, str]]] = {
    400: (131009, "Parameter value is not valid"),
    401: (190, "Error validating access token: Session has expired"),
    403: (10, "Application does not have permission for this action"),
    429: (130429, "Rate limit hit"),
    500: (131000, "Something went wrong"),
    503: (131016, "Service unavailable"),
}


class Graph:
    """Judges requests as Meta's Graph API does."""

    def judge(self, request: Received, authorization: str) -> Answer:
        """A message id, or what is wrong with the request."""
        if not authorization.startswith("Bearer ") or authorization.endswith("expired"):
            return self.refuse(401, None)
        wrong = _objection(request.body)
        if wrong:
            return _error(400, *wrong)
        if not request.is_send:
            return Answer(200, {"success": True})
        message_id = "wamid." + b64encode(f"sandbox {request.number:09}".encode()).decode()
        contact = {"input": request.to, "wa_id": request.to}
        body: Json = {
            "messaging_product": "whatsapp",
            "contacts": [contact],
            "messages": [{"id": message_id}],
        }
        return Answer(200, body, message_id)

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """A refusal in Graph's words."""
        code, message = _REFUSALS.get(status, (1, "An unknown error occurred"))
        return _error(status, code, message, retry_after)


def _error(status: int, code: int, message: str, retry_after: int | None = None) -> Answer:
    error: Json = {
        "message": f"(#{code}) {message}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": message},
        "fbtrace_id": "Asandbox",
    }
    headers = {"retry-after": str(retry_after)} if retry_after is not None else None
    return Answer(status, {"error": error}, headers=headers)


def _objection(body: Json) -> tuple[int, str] | None:
    """What Meta would not take, as code and message."""
    if body.get("messaging_product") != "whatsapp":
        return 100, "The parameter messaging_product is required."
    if "status" in body:
        return None if body.get("message_id") else (100, "The parameter message_id is required.")
    if not (body.get("to") or body.get("recipient")):
        return 131008, "Required parameter is missing: to"
    kind = body.get("type", "text")
    if kind not in TYPES:
        return 100, f"Param type must be one of {{{', '.join(sorted(TYPES)).upper()}}}"
    if not body.get(str(kind)):
        return 131008, f"Required parameter is missing: {kind}"
    return _text_objection(body) if kind == "text" else None


def _text_objection(body: Json) -> tuple[int, str] | None:
    text = _text_of(body)
    if not text:
        return 131008, "Required parameter is missing: text['body']"
    if len(text) > _LONGEST_TEXT:
        return 100, f"Param text['body'] must be at most {_LONGEST_TEXT} characters long."
    return None


def _text_of(body: Json) -> str | None:
    node = body.get("text")
    text = node.get("body") if isinstance(node, dict) else None
    return text if isinstance(text, str) else None


def _word(value: object) -> str | None:
    return str(value) if value else None


def status_webhook(received: Received, word: str, at: datetime) -> Json:
    """The body that tells how a message that was taken fares."""
    status: Json = {
        "id": received.message_id,
        "status": word,
        "timestamp": str(int(at.timestamp())),
        "recipient_id": received.to,
    }
    if received.reference:
        status["biz_opaque_callback_data"] = received.reference
    metadata = {
        "display_phone_number": received.account,
        "phone_number_id": received.account,
    }
    value: Json = {
        "messaging_product": "whatsapp",
        "metadata": metadata,
        "statuses": [status],
    }
    change = {"field": "messages", "value": value}
    entry = {"id": "0", "changes": [change]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def routes(world: World, media: Media) -> list[web.RouteDef]:
    """Where the Graph API answers."""
    graph = Graph()

    async def messages(http: web.Request) -> web.Response:
        body = await body_of(http)
        received = Received(
            number=world.journal.next_number(),
            received_at=world.now(),
            provider=PROVIDER,
            account=http.match_info["account"],
            method="status" if "status" in body else "messages",
            to=_word(body.get("to") or body.get("recipient")),
            text=_text_of(body),
            reference=_word(body.get("biz_opaque_callback_data")),
            is_send="status" not in body,
            body=body,
        )
        return await answer(world, graph, received, http, http.headers.get("authorization", ""))

    async def describe(http: web.Request) -> web.Response:
        file = media.find(http.match_info["media"])
        if not http.headers.get("authorization", "").startswith("Bearer "):
            return graph.refuse(401, None).response
        body: Json = {
            "messaging_product": "whatsapp",
            "url": f"{http.scheme}://{http.host}/_media/{http.match_info['media']}",
            "mime_type": file.mime,
            "sha256": sha256(file.data).hexdigest(),
            "file_size": len(file.data),
            "id": http.match_info["media"],
        }
        return Answer(200, body).response

    async def download(http: web.Request) -> web.StreamResponse:
        if not http.headers.get("authorization", "").startswith("Bearer "):
            return web.Response(status=401)
        name = http.match_info["media"]
        return await handed_over(
            world, http, provider=PROVIDER, account="", name=name, file=media.find(name)
        )

    version = r"/{version:v\d+\.\d+}"
    return [
        web.post(version + "/{account}/messages", messages),
        web.get(version + "/{media}", describe),
        web.get("/_media/{media}", download),
    ]
