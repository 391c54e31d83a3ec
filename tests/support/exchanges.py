"""Driving an exchange by hand: what it asks, and what it makes of the answers."""

from collections.abc import Sequence
from typing import TypeVar

from providers.protocol import Exchange, HttpRequest, HttpResponse
from schemas import codec

T = TypeVar("T")


def drive(exchange: Exchange[T], *answers: HttpResponse) -> tuple[list[HttpRequest], T]:
    """The requests and the result; every answer must be asked for, and no more."""
    asked: list[HttpRequest] = []
    waiting = list(answers)
    try:
        asked.append(next(exchange))
        while True:
            asked.append(exchange.send(waiting.pop(0)))
    except StopIteration as ended:
        assert not waiting, "it did not ask for every answer"
        return asked, ended.value


def answer(status: int, body: object = b"", **headers: str) -> HttpResponse:
    """An answer; a body that is no bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else codec.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status=status, headers=named, body=raw)


def bodies(requests: Sequence[HttpRequest]) -> list[object]:
    """The JSON that was sent."""
    return [codec.loads(request.body) for request in requests]
