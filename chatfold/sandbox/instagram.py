"""Instagram Messaging: send, sender actions, files behind signed links."""

from base64 import b64encode
from datetime import datetime
from types import MappingProxyType
from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import Answer, World, answer, body_of
from chatfold.sandbox.files import handed_over
from chatfold.sandbox.journal import Received
from chatfold.sandbox.media import Media
from providers.reading import mapping, text
from schemas.content import Json

PROVIDER: Final = "instagram"
PREFIX: Final = "/instagram"
APP: Final = 1517776481860111
ACTIONS: Final = ("mark_seen", "typing_on", "typing_off", "react", "unreact")
ATTACHMENTS: Final = frozenset({"image", "video", "audio", "file", "like_heart", "template"})
_NAMELESS: Final = frozenset({"react", "unreact"})
_LONGEST_TEXT: Final = 1000  # bytes
_REFUSALS: Final = MappingProxyType(
    {
        400: (100, 2534014, "The requested user cannot be found."),
        401: (190, 463, "Error validating access token: Session has expired."),
        403: (10, 2534022, "This message is sent outside of allowed window."),
        429: (613, None, "(#613) Calls to this api have exceeded the rate limit."),
        500: (2, None, "An unexpected error has occurred. Please retry your request later."),
        503: (2, None, "Service temporarily unavailable"),
    }
)


class Messaging:
    """Judges requests as Meta's Graph API does for Instagram."""

    def judge(self, request: Received, authorization: str) -> Answer:
        """A message id, or what is wrong with the request."""
        if not authorization.startswith("Bearer ") or authorization.endswith("expired"):
            return self.refuse(401, None)
        wrong = _objection(request.body)
        if wrong:
            return _error(400, 100, None, f"(#100) {wrong}")
        if request.method != "messages":
            return Answer(200, {"recipient_id": request.to})
        message_id = "aWdfZAG1" + b64encode(f"sandbox {request.number:09}".encode()).decode()
        body: Json = {"recipient_id": request.to, "message_id": message_id}
        return Answer(200, body, message_id)

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """A refusal in Graph's words."""
        unknown = (1, None, "An unknown error occurred")
        return _error(status, *_REFUSALS.get(status, unknown), retry_after=retry_after)


def _error(
    status: int, code: int, subcode: int | None, message: str, *, retry_after: int | None = None
) -> Answer:
    error: Json = {
        "message": message,
        "type": "OAuthException" if code == 190 else "IGApiException",
        "code": code,
        "fbtrace_id": "Asandbox",
    }
    if subcode is not None:
        error["error_subcode"] = subcode
    headers = {"retry-after": str(retry_after)} if retry_after is not None else None
    return Answer(status, {"error": error}, headers=headers)


def _objection(body: Json) -> str | None:
    """What Meta would not take."""
    if not mapping(body.get("recipient")).get("id"):
        return "The parameter recipient is required"
    action = body.get("sender_action")
    if action is not None:
        return _objection_to_action(action, mapping(body.get("payload")))
    return _objection_to_message(mapping(body.get("message")))


def _objection_to_action(action: object, payload: Json) -> str | None:
    if action not in ACTIONS:
        return f"Param sender_action must be one of {{{', '.join(ACTIONS).upper()}}}"
    if action in _NAMELESS and not payload.get("message_id"):
        return "The parameter payload[message_id] is required"
    return None


def _objection_to_message(message: Json) -> str | None:
    words, attachment = text(message.get("text")), mapping(message.get("attachment"))
    if not words and not attachment:
        return "Message cannot be empty, must provide valid attachment or text"
    if words and attachment:
        return "Only one of the text, attachment, and dynamic_text fields can be specified"
    if words and len(words.encode()) > _LONGEST_TEXT:
        return f"Length of param message[text] must be less than or equal to {_LONGEST_TEXT}"
    return _objection_to_file(attachment) if attachment else None


def _objection_to_file(attachment: Json) -> str | None:
    kind, payload = text(attachment.get("type")), mapping(attachment.get("payload"))
    if kind not in ATTACHMENTS:
        names = ", ".join(sorted(ATTACHMENTS)).upper()
        return f"Param message[attachment][type] must be one of {{{names}}}"
    is_named = (
        payload.get("url") or payload.get("attachment_id") or kind in {"like_heart", "template"}
    )
    return None if is_named else "Param message[attachment][payload] has no url"


def status_webhook(received: Received, word: str, at: datetime) -> Json | None:
    """What tells that a message was taken: its echo when it is sent, later that it is read."""
    milliseconds = int(at.timestamp() * 1000)
    account, person = {"id": received.account}, {"id": received.to}
    if word == "sent":
        said = mapping(received.body.get("message"))
        message = {**_echoed(said), "mid": received.message_id, "is_echo": True, "app_id": APP}
        told: Json = {"sender": account, "recipient": person, "message": message}
    elif word == "read":
        told = {"sender": person, "recipient": account, "read": {"mid": received.message_id}}
    else:  # Instagram tells of no delivery
        return None
    event = {**told, "timestamp": milliseconds}
    entry = {"id": received.account, "time": milliseconds, "messaging": [event]}
    return {"object": PROVIDER, "entry": [entry]}


def _echoed(message: Json) -> Json:
    """The message as it comes back: what was one attachment is a list of one."""
    told = {key: one for key, one in message.items() if key != "attachment"}
    return told | ({"attachments": [message["attachment"]]} if "attachment" in message else {})


def routes(world: World, media: Media) -> list[web.RouteDef]:
    """Where Instagram answers; a token is `ACCOUNT:anything`, so that `me` is somebody."""
    messaging = Messaging()

    async def messages(http: web.Request) -> web.Response:
        received = _received(world, http, await body_of(http))
        return await answer(world, messaging, received, http, http.headers.get("authorization", ""))

    async def download(http: web.Request) -> web.StreamResponse:
        if not http.query.get("signature"):
            return web.Response(status=403, text="URL signature mismatch")
        name = http.match_info["media"]
        return await handed_over(
            world, http, provider=PROVIDER, account="", name=name, file=media.find(name)
        )

    return [
        web.post(PREFIX + r"/{version:v\d+\.\d+}/{account}/messages", messages),
        web.get(PREFIX + "/cdn/{media}", download),
    ]


def _received(world: World, http: web.Request, body: Json) -> Received:
    message, action = mapping(body.get("message")), _word(body.get("sender_action"))
    account = http.match_info["account"]
    if account == "me":
        token = http.headers.get("authorization", "").removeprefix("Bearer ")
        account, named, _ = token.partition(":")
        account = account if named else "me"
    return Received(
        number=world.journal.next_number(),
        received_at=world.now(),
        provider=PROVIDER,
        account=account,
        method=action or "messages",
        to=_word(mapping(body.get("recipient")).get("id")),
        text=_word(message.get("text")),
        reference=_word(message.get("metadata")),
        is_send=action is None or action in _NAMELESS,
        body=body,
    )


def _word(value: object) -> str | None:
    return str(value) if value else None
