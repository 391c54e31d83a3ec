"""Reads a request's body within bounds of size, time and memory."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar, overload

from starlette.types import Receive

from chatfold.gateway.outcomes import Outcome

T = TypeVar("T")

RawHeaders = Sequence[tuple[bytes, bytes]]

REQUEST_BYTES: Final = 4096  # what a request takes besides its body: scope, task, headers


class Headers(Mapping[str, str]):
    """ASGI's headers as a mapping of lower-case names; the last of a name counts."""

    __slots__ = ("_named",)

    def __init__(self, raw: RawHeaders) -> None:
        self._named = dict(raw)

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str | T) -> str | T: ...
    def get(self, name: str, /, default: str | T | None = None) -> str | T | None:
        """The header, without the exception that `Mapping.get` would raise and catch."""
        value = self._named.get(name.encode())
        return default if value is None else value.decode("latin-1")

    def __getitem__(self, name: str) -> str:
        return self._named[name.encode()].decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._named)

    def __len__(self) -> int:
        return len(self._named)

    @property
    def content_length(self) -> int:
        """What the caller declares, 0 if nothing that is a number."""
        value = self._named.get(b"content-length", b"")
        return int(value) if value.isdigit() else 0


class Backlog:
    """Bytes of webhooks in memory, all of them together."""

    __slots__ = ("bound", "used")

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.used = 0

    def has_room(self, more: int) -> bool:
        """Whether `more` bytes fit in; one alone always does."""
        return self.used + more <= self.bound or not self.used


async def whole_body(
    receive: Receive, backlog: Backlog, *, limit: int, seconds: float
) -> bytes | Outcome:
    """The body, or why it is not taken.

    Only what has arrived counts: who declares much and sends nothing keeps nobody out.
    """
    try:
        return await asyncio.wait_for(_joined(receive, backlog, limit), seconds)
    except TimeoutError:
        return Outcome.TOO_SLOW


async def _joined(receive: Receive, backlog: Backlog, limit: int) -> bytes | Outcome:
    chunks, size, more = [], 0, True
    try:
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return Outcome.CUT_OFF
            chunk, more = message["body"], message["more_body"]
            if size + len(chunk) > limit:
                return Outcome.TOO_LARGE
            if not backlog.has_room(len(chunk)) and backlog.used != size:
                return Outcome.OVERLOADED
            chunks.append(chunk)
            backlog.used += len(chunk)
            size += len(chunk)
    finally:
        backlog.used -= size
    return b"".join(chunks)
