"""Reads a request's body within bounds of size, time and memory."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from starlette.types import Receive

from chatfold.gateway.outcomes import REFUSALS, Outcome, Refusal

RawHeaders = Sequence[tuple[bytes, bytes]]

REQUEST_BYTES: Final = 4096  # what a request takes besides its body: scope, task, headers


class Headers(Mapping[str, str]):
    """ASGI's headers as a mapping of lower-case names; the first of a name counts."""

    __slots__ = ("_raw",)

    def __init__(self, raw: RawHeaders) -> None:
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        wanted = name.encode("latin-1")
        for given, value in self._raw:
            if given == wanted:
                return value.decode("latin-1")
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name, _ in self._raw)

    def __len__(self) -> int:
        return len(self._raw)


class Backlog:
    """Bytes of webhooks in memory, all of them together."""

    __slots__ = ("bound", "used")

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.used = 0

    def has_room(self, more: int) -> bool:
        """Whether `more` bytes fit in; one alone always does."""
        return self.used + more <= self.bound or not self.used


def declared_length(headers: RawHeaders) -> int:
    """The content length that the headers tell, 0 if none."""
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


class Intake:
    """Takes in one request's body; what it holds of the backlog is given back by `release`."""

    __slots__ = ("_backlog", "_held", "_limit", "_seconds")

    def __init__(self, backlog: Backlog, *, limit: int, seconds: float) -> None:
        self._backlog = backlog
        self._limit = limit
        self._seconds = seconds
        self._held = 0

    async def body(self, receive: Receive, headers: RawHeaders) -> bytes | Refusal | None:
        """The whole body, or why it is not taken; None if the caller has gone away.

        What is declared is checked before anything is read, and only what has arrived
        counts: who declares much and sends nothing keeps nobody out.
        """
        declared = declared_length(headers)
        if declared > self._limit:
            return REFUSALS[Outcome.TOO_LARGE]
        if not self._backlog.has_room(REQUEST_BYTES + declared):
            return REFUSALS[Outcome.OVERLOADED]
        self._hold(REQUEST_BYTES)
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk: bytes = message["body"]
        self._hold(len(chunk))
        if not message["more_body"] and len(chunk) <= self._limit:
            return chunk
        try:
            return await asyncio.wait_for(self._rest(chunk, receive), self._seconds)
        except TimeoutError:
            return REFUSALS[Outcome.TOO_SLOW]

    def release(self) -> None:
        """The body is no longer needed."""
        self._backlog.used -= self._held
        self._held = 0

    def _hold(self, size: int) -> None:
        self._backlog.used += size
        self._held += size

    async def _rest(self, first: bytes, receive: Receive) -> bytes | Refusal | None:
        chunks, size, more = [first], len(first), True
        while more:
            if size > self._limit:
                return REFUSALS[Outcome.TOO_LARGE]
            if self._backlog.used > self._backlog.bound + self._held:
                return REFUSALS[Outcome.OVERLOADED]
            message = await receive()
            if message["type"] != "http.request":
                return None
            chunks.append(message["body"])
            self._hold(len(message["body"]))
            size += len(message["body"])
            more = message["more_body"]
        return b"".join(chunks) if size <= self._limit else REFUSALS[Outcome.TOO_LARGE]
