"""A model service that speaks as OpenAI's: chat, streamed and not, pictures, recordings.

The account of a request is what stands before the colon in its key: `ACCOUNT:anything`. A key
that ends in `expired` is refused, a model whose name ends in `missing` is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aiohttp import BodyPartReader, web

from chatfold.sandbox import speaking, thinking
from chatfold.sandbox.exchange import Answer, World, body_of, cut, struck
from chatfold.sandbox.faults import OF_ALL, OF_MODELS, Fault, FaultKind
from chatfold.sandbox.journal import Received
from chatfold.sandbox.speaking import Spoken
from chatfold.sandbox.thinking import Sayings
from providers.reading import items, mapping
from schemas.content import Json

PROVIDER: Final = "openai"
PREFIX: Final = "/openai/v1"
MODELS: Final = ("gpt-4o-mini", "gpt-4o-transcribe", "whisper-1")

_REFUSALS: Final[Mapping[int, tuple[str, str | None, str]]] = MappingProxyType(
    {
        400: ("invalid_request_error", None, "Invalid value for 'messages'."),
        401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-***."),
        403: ("invalid_request_error", None, "The country is not supported."),
        404: ("invalid_request_error", "model_not_found", "The model does not exist."),
        429: ("requests", "rate_limit_exceeded", "Rate limit reached for the model."),
        500: ("server_error", None, "The server had an error while processing your request."),
        503: ("server_error", None, "The engine is currently overloaded."),
    }
)
_QUOTA: Final = ("insufficient_quota", "insufficient_quota", "You exceeded your current quota.")


@dataclass(frozen=True, slots=True)
class Service:
    """The handlers of the model service."""

    world: World
    sayings: Sayings

    def routes(self) -> list[web.RouteDef]:
        """Where it answers."""
        return [
            web.get(PREFIX + "/models", self.list_models),
            web.post(PREFIX + "/chat/completions", self.complete),
            web.post(PREFIX + "/audio/transcriptions", self.transcribe),
        ]

    async def list_models(self, http: web.Request) -> web.StreamResponse:
        """What models there are."""
        if not _is_known(http):
            return refused(401).response
        models = [{"id": one, "object": "model", "owned_by": "sandbox"} for one in MODELS]
        return Answer(200, {"object": "list", "data": models}).response

    async def complete(self, http: web.Request) -> web.StreamResponse:
        """Answer a conversation, or say what is to be seen."""
        body = await body_of(http)
        messages = [mapping(one) for one in items(body.get("messages"))]
        try:
            shown = thinking.pictures(messages)
        except ValueError:
            return refused(400).response
        received = self._received(http, body, "see" if shown else "chat")
        received.text = thinking.said_last(messages)
        received.body = _without_pictures(body)
        fault = await struck(self.world, received, _suffers_talking)
        if refusal := self._refusal(http, received, fault):
            return refusal
        self._taken(received)
        said = thinking.answer(body, received.number, self.sayings)
        return await speaking.speak(http, body, Spoken(said, received.number), fault)

    async def transcribe(self, http: web.Request) -> web.StreamResponse:
        """Write down what is said in a recording."""
        asked: Json = {}
        name, data = await _recording(http, asked)
        if data is None:
            return refused(400).response
        received = self._received(http, asked, "transcribe")
        received.reference, received.text = name, self.sayings.of(data)
        fault = await struck(self.world, received, _suffers_listening)
        if refusal := self._refusal(http, received, fault):
            return refusal
        self._taken(received)
        return speaking.written_down(http, asked, received.text, len(data), fault)

    def _received(self, http: web.Request, body: Json, method: str) -> Received:
        return Received(
            number=self.world.journal.next_number(),
            received_at=self.world.now(),
            provider=PROVIDER,
            account=_key(http).partition(":")[0],
            method=method,
            to=str(body.get("model")),
            body=body,
        )

    def _refusal(
        self, http: web.Request, received: Received, fault: Fault | None
    ) -> web.StreamResponse | None:
        """The answer to a request that comes to nothing; it is recorded."""
        answer = _judged(http, received, fault)
        is_cut = fault is not None and fault.fault in {
            FaultKind.CUT_BEFORE_READ,
            FaultKind.CUT_AFTER_READ,
        }
        if answer is None and not is_cut:
            return None
        received.status = answer.status if answer else None
        self.world.journal.add(received)
        return answer.response if answer else cut(http)

    def _taken(self, received: Received) -> None:
        received.status, received.accepted = 200, True
        self.world.journal.add(received)


async def _recording(http: web.Request, asked: Json) -> tuple[str | None, bytes | None]:
    """The file of a form and its name; what else the form says is put into `asked`.

    It is read in memory: a file on disk would stay open where who asks ends in between.
    """
    name, data = None, None
    if not http.content_type.startswith("multipart/"):
        return None, None
    async for part in await http.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        if part.name == "file":
            name, data = part.filename, bytes(await part.read(decode=True))
        else:
            asked[str(part.name)] = await part.text()
    return name, data


def _suffers_talking(fault: Fault) -> bool:
    return fault.fault in OF_ALL | OF_MODELS


def _suffers_listening(fault: Fault) -> bool:
    return fault.fault in OF_ALL | {FaultKind.QUOTA}


def refused(status: int, retry_after: int | None = None) -> Answer:
    """A refusal in OpenAI's words."""
    return _error(status, _REFUSALS.get(status, ("server_error", None, "Error")), retry_after)


def _judged(http: web.Request, received: Received, fault: Fault | None) -> Answer | None:
    """What is wrong with a request, or befalls it."""
    if fault and fault.fault is FaultKind.QUOTA:
        return _error(429, _QUOTA, None)
    if fault and fault.fault.status is not None:
        return refused(fault.fault.status, fault.retry_after)
    if not _is_known(http):
        return refused(401)
    if str(received.to).endswith("missing"):
        return refused(404)
    is_asked = received.method == "transcribe" or received.body.get("messages")
    return None if is_asked else refused(400)


def _error(status: int, words: tuple[str, str | None, str], retry_after: int | None) -> Answer:
    kind, code, message = words
    error: Json = {"message": message, "type": kind, "param": None, "code": code}
    headers = None if retry_after is None else {"retry-after": str(retry_after)}
    return Answer(status, {"error": error}, headers=headers)


def _without_pictures(body: Json) -> Json:
    """The request as it is remembered: pictures are large."""
    messages = [
        {**one, "content": [_without_picture(mapping(part)) for part in items(one["content"])]}
        if isinstance(one.get("content"), list)
        else one
        for one in map(mapping, items(body.get("messages")))
    ]
    return {**body, "messages": messages}


def _without_picture(part: Json) -> Json:
    return {"type": "image_url"} if part.get("type") == "image_url" else part


def _key(http: web.Request) -> str:
    return http.headers.get("authorization", "").removeprefix("Bearer ")


def _is_known(http: web.Request) -> bool:
    return bool(_key(http)) and not _key(http).endswith("expired")


def routes(world: World, sayings: Sayings) -> list[web.RouteDef]:
    """Where the model service answers."""
    return Service(world, sayings).routes()
