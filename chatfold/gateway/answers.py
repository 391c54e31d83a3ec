"""The gateway's answers, made once: a webhook that is accepted costs no new object."""

from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from starlette.types import Message

from chatfold.gateway.outcomes import REJECTIONS, Outcome, Rejection
from schemas import codec

_RETRY_SECONDS: Final = {Outcome.OVERLOADED: b"1", Outcome.UNAVAILABLE: b"5"}
_METHODS: Final = b"GET, POST, PUT, PATCH, DELETE"

Answer = tuple[Message, Message]


def _answer(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
    length = (b"content-length", b"%d" % len(body))
    start = {"type": "http.response.start", "status": status, "headers": [length, *headers]}
    return start, {"type": "http.response.body", "body": body}


def _refusal(refusal: Rejection) -> Answer:
    headers = [(b"content-type", b"application/json")]
    if seconds := _RETRY_SECONDS.get(refusal.outcome):
        headers.append((b"retry-after", seconds))
    if refusal.outcome is Outcome.WRONG_METHOD:
        headers.append((b"allow", _METHODS))
    return _answer(refusal.status, codec.dumps({"error": refusal.text}), *headers)


ANSWERS: Final = MappingProxyType(
    {outcome: _refusal(refusal) for outcome, refusal in REJECTIONS.items()}
    | {Outcome.ACCEPTED: _answer(200, b"")}  # Telegram would carry out what a body says
    | {Outcome.CUT_OFF: _answer(400, b"")}  # nobody is there to read it
)


def _response(answer: Answer) -> bytes:
    start, body = answer
    headers = b"".join(b"%b: %b\r\n" % header for header in start["headers"])
    phrase = HTTPStatus(start["status"]).phrase.encode()
    content: bytes = body["body"]
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (start["status"], phrase, headers, content)


RESPONSES: Final = MappingProxyType({o: _response(answer) for o, answer in ANSWERS.items()})
"""The same as bytes of HTTP/1.1."""


def challenge(words: str) -> Answer:
    """The answer to a provider's check of the address: its own words."""
    return _answer(200, words.encode(), (b"content-type", b"text/plain; charset=utf-8"))
