"""The HTTP client of downloads: bounded in time and size, never redirected, never to the inside.

Exchanges follow a redirect themselves, to a place that they know. What the operator has named
as an account's `base_url` is asked wherever it is, over connections of its own, so that none of
them serves what a stranger has named.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp

from chatfold.downloads.addresses import Addresses, UnsafeAddress
from chatfold.responses import taken
from providers.failures import Unknown
from providers.protocol import Exchange, HttpRequest, HttpResponse
from streams.ports import NotConnected, Reserve, Trouble, Unanswered, Unsafe

T = TypeVar("T")

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 15.0
TOTAL_SECONDS: Final = 120.0
CONNECTIONS: Final = 256
KEEP_ALIVE_SECONDS: Final = 10.0
SMALL_BYTES: Final = 1_000_000
"""An answer that cannot be larger is no file; it is read without asking for room."""

_USER_AGENT: Final = "chatfold"
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds for the connection, between two reads, for all of it; connections at a time."""

    connect: float = CONNECT_SECONDS
    read: float = READ_SECONDS
    total: float = TOTAL_SECONDS
    connections: int = CONNECTIONS


class Downloads:
    """Makes the requests of exchanges that fetch files; `async with` opens and closes it."""

    def __init__(self, addresses: Addresses, limits: Limits = Limits()) -> None:
        self._addresses = addresses
        self._limits = limits
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Open two pools; connects to nobody yet."""
        guarded = aiohttp.TCPConnector(
            limit=self._limits.connections,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            socket_factory=self._addresses.socket,
        )
        named = aiohttp.TCPConnector(
            limit=self._limits.connections, keepalive_timeout=KEEP_ALIVE_SECONDS
        )
        self._strangers = await self._open.enter_async_context(self._session(guarded))
        self._named = await self._open.enter_async_context(self._session(named))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self._open.aclose()

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        limits = self._limits
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(
                total=limits.total, connect=limits.connect, sock_read=limits.read
            ),
            headers={"user-agent": _USER_AGENT, "accept-encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def fetch(
        self, exchange: Exchange[T], base_url: str | None, reserve: Reserve
    ) -> T | Trouble | Unsafe:
        """What the exchange came to, or why not; raises what the exchange raises."""
        try:
            request = next(exchange)
            while True:
                response = await self._request(request, base_url, reserve)
                if not isinstance(response, HttpResponse):
                    return response
                request = exchange.send(response)
        except StopIteration as end:
            ended: T = end.value
            return ended
        finally:
            exchange.close()

    async def _request(
        self, request: HttpRequest, base_url: str | None, reserve: Reserve
    ) -> HttpResponse | Trouble | Unsafe:
        is_named = base_url is not None and _origin(request.url) == _origin(base_url)
        session = self._named if is_named else self._strangers
        try:
            return await _answer(session, request, reserve)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _trouble(request, error)


async def _answer(
    session: aiohttp.ClientSession, request: HttpRequest, reserve: Reserve
) -> HttpResponse:
    async with session.request(
        request.method,
        request.url,
        headers=request.headers,
        data=request.body or None,
        allow_redirects=False,
    ) as response:
        if request.max_bytes > SMALL_BYTES:
            await reserve(min(request.max_bytes, response.content_length or request.max_bytes))
        return await taken(response, request.max_bytes)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _trouble(request: HttpRequest, error: Exception) -> Trouble | Unsafe:
    detail = request.struck(str(error) or type(error).__name__)
    if _is_unsafe(error):
        return Unsafe(detail)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        return NotConnected(detail)
    if isinstance(error, TimeoutError):
        return Unanswered(Unknown.TIMEOUT, detail)
    if isinstance(error, aiohttp.ClientResponseError):
        return Unanswered(Unknown.MALFORMED_ANSWER, detail)
    return Unanswered(Unknown.CONNECTION_LOST, detail)


def _is_unsafe(error: BaseException | None) -> bool:
    """Whether an address was refused, somewhere among the causes."""
    while error is not None:
        if isinstance(error, UnsafeAddress):
            return True
        error = getattr(error, "os_error", None) or error.__cause__
    return False
