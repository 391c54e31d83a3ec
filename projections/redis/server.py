"""The server as all of its users see it: keys under one root, errors told and counted."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from projections.sink import SinkUnavailable
from projections.view_store import VERSION, ViewsUnavailable

Argument = str | bytes | int | float
Call = Callable[..., Awaitable[object]]

TIMEOUT_SECONDS: Final = 5.0
SCAN: Final = 1000


def connect(url: str) -> "Redis":
    """A client whose calls end in time; a connection that has died is replaced once a call."""
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )


class Server:
    """What is under one root, and how long a view lives."""

    def __init__(self, client: "Redis", prefix: str, lifetime: timedelta) -> None:
        self.client = client
        self.root = f"{prefix}:v{VERSION}"
        self.lifetime = lifetime
        self.errors = 0
        self._scripts: dict[str, Call] = {}

    async def run(self, script: str, *arguments: Argument) -> object:
        """What the script returns."""
        if script not in self._scripts:
            self._scripts[script] = self.client.register_script(script)
        return await self._scripts[script]([self.root], list(arguments))

    async def words(self, script: str, *arguments: Argument) -> str:
        """A script's one word; raises `SinkUnavailable`."""
        with self.writing():
            return text(await self.run(script, *arguments))

    def key(self, *parts: str) -> str:
        """The key of these parts."""
        return ":".join((self.root, *parts))

    async def keys(self, *parts: str) -> AsyncIterator[str]:
        """The keys that begin so."""
        pattern = "".join(f"\\{one}" if one in r"*?[]\^" else one for one in self.key(*parts))
        async for key in self.client.scan_iter(f"{pattern}*", count=SCAN):
            yield text(key)

    async def report_errors(self) -> None:
        """Count what could not be counted while the store was away."""
        if self.errors:
            await self.client.hincrby(self.key("counts"), "errors", self.errors)
            self.errors = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """For readers."""
        with self._as(ViewsUnavailable):
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """For writers."""
        with self._as(SinkUnavailable):
            yield

    @contextmanager
    def _as(self, kind: type[Exception]) -> Iterator[None]:
        try:
            yield
        except (RedisError, OSError, TimeoutError) as error:
            self.errors += 1
            raise kind(f"{type(error).__name__}: {error}") from error


def text(value: object) -> str:
    """What the server says, as text."""
    return value.decode() if isinstance(value, bytes) else str(value)


def several(value: object) -> list[bytes]:
    """What the server says, as a list."""
    return cast("list[bytes]", value)


def members(value: object) -> set[bytes]:
    """What the server says, as a set."""
    return cast("set[bytes]", value)
