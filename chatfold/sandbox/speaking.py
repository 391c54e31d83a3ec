"""How a model service says what it has to say: whole, in pieces, or as a fault wants it."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from chatfold.sandbox.exchange import JSON, Answer, cut
from chatfold.sandbox.faults import Fault, FaultKind
from chatfold.sandbox.thinking import BYTES_A_SECOND
from providers.reading import integer, items, mapping
from schemas import codec
from schemas.content import Json

_BROKEN: Final = b'{"id": "chatcmpl-1", "choices": [{"del'
_FINISHES: Final = {
    FaultKind.CONTENT_FILTER: "content_filter",
    FaultKind.ENDED_EARLY: "length",
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of an answer; `number` is its name."""

    text: str
    number: int

    @property
    def words(self) -> list[str]:
        """Pieces that make up the text: a word each, which is also a token."""
        return [one if not at else f" {one}" for at, one in enumerate(self.text.split(" "))]


async def speak(
    http: web.Request, asked: Json, spoken: Spoken, fault: Fault | None
) -> web.StreamResponse:
    """Answer a chat completion."""
    kind = fault.fault if fault else None
    if kind is FaultKind.LOST_ANSWER:
        return cut(http)
    if asked.get("stream"):
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        with suppress(ConnectionError):  # who asked has left
            await _stream(response, http, asked, spoken, kind)
        return response
    if kind is FaultKind.MALFORMED:
        return web.Response(body=_BROKEN, content_type=JSON)
    if kind in {FaultKind.CUT_STREAM, FaultKind.NO_FINISH}:
        return cut(http)
    words, finish = _ending(asked, spoken, kind)
    message = {"role": "assistant", "content": "".join(words), "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return Answer(200, _of(asked, spoken, "", [choice]) | _usage(asked, words)).response


def written_down(
    http: web.Request, asked: Json, text: str, size: int, fault: Fault | None
) -> web.StreamResponse:
    """Answer a transcription."""
    kind = fault.fault if fault else None
    if kind is FaultKind.LOST_ANSWER:
        return cut(http)
    if kind is FaultKind.MALFORMED:
        return web.Response(body=b'{"tex', content_type=JSON)
    if asked.get("response_format") == "verbose_json":
        told: Json = {"task": "transcribe", "language": "english", "text": text, "segments": []}
        return Answer(200, told | {"duration": size / BYTES_A_SECOND}).response
    tokens = {"input_tokens": size // 100 + 1, "output_tokens": len(text.split())}
    return Answer(200, {"text": text, "usage": {"type": "tokens", **tokens}}).response


async def _stream(
    response: web.StreamResponse,
    http: web.Request,
    asked: Json,
    spoken: Spoken,
    kind: FaultKind | None,
) -> None:
    await response.prepare(http)
    words, finish = _ending(asked, spoken, kind)
    if kind in {FaultKind.CUT_STREAM, FaultKind.STREAMED_ERROR, FaultKind.MALFORMED}:
        words = words[: (len(words) + 1) // 2]
    for chunk in _chunks(asked, spoken, words):
        await response.write(_event(chunk))
    match kind:
        case FaultKind.CUT_STREAM:
            cut(http)
        case FaultKind.MALFORMED:
            await response.write(b"data: " + _BROKEN + b"\n\n")
        case FaultKind.STREAMED_ERROR:
            error = {"message": "The server had an error.", "type": "server_error", "code": None}
            await response.write(_event({"error": error}))
        case FaultKind.NO_FINISH:
            await response.write_eof()
        case _:
            await response.write(_end(asked, spoken, words, finish))


def _chunks(asked: Json, spoken: Spoken, words: list[str]) -> Iterator[Json]:
    yield _piece(asked, spoken, {"role": "assistant", "content": ""}, None)
    for word in words:
        yield _piece(asked, spoken, {"content": word}, None)


def _end(asked: Json, spoken: Spoken, words: list[str], finish: str) -> bytes:
    end = _event(_piece(asked, spoken, {}, finish))
    if mapping(asked.get("stream_options")).get("include_usage"):
        end += _event(_of(asked, spoken, ".chunk", []) | _usage(asked, words))
    return end + b"data: [DONE]\n\n"


def _ending(asked: Json, spoken: Spoken, kind: FaultKind | None) -> tuple[list[str], str]:
    """The words that are said, and why no more are."""
    words = spoken.words
    if kind in _FINISHES:
        return words[: (len(words) + 1) // 2], _FINISHES[kind]
    most = integer(asked.get("max_completion_tokens") or asked.get("max_tokens"))
    if most is not None and len(words) > most:
        return words[:most], "length"
    return words, "stop"


def _piece(asked: Json, spoken: Spoken, delta: Json, finish: str | None) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _of(asked, spoken, ".chunk", [choice])


def _of(asked: Json, spoken: Spoken, sort: str, choices: list[Json]) -> Json:
    return {
        "id": f"chatcmpl-{spoken.number}",
        "object": f"chat.completion{sort}",
        "created": 1_700_000_000,
        "model": asked.get("model"),
        "choices": choices,
    }


def _usage(asked: Json, words: list[str]) -> Json:
    """Tokens are words here."""
    told = (str(mapping(one).get("content")) for one in items(asked.get("messages")))
    tokens_in = sum(len(one.split()) for one in told)
    usage = {"prompt_tokens": tokens_in, "completion_tokens": len(words)}
    return {"usage": {**usage, "total_tokens": tokens_in + len(words)}}


def _event(data: Json) -> bytes:
    return b"data: " + codec.dumps(data) + b"\n\n"
