"""Makes the requests of exchanges: bounded in time and size, never twice, never redirected."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Self, TypeVar

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from chatfold.responses import taken
from providers.failures import Unknown
from providers.protocol import Exchange, HttpRequest, HttpResponse
from streams.ports import NotConnected, Trouble, Unanswered

T = TypeVar("T")

CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 15.0
CONNECTIONS: Final = 200
KEEP_ALIVE_SECONDS: Final = 10.0
"""Shorter than providers keep idle connections, so that few are closed under a request."""

DNS_SECONDS: Final = 60
USER_AGENT: Final = "chatfold"
_NO_CONNECTION: Final = "The request was not made: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds for the connection and for the whole request; connections at a time."""

    connect: float = CONNECT_SECONDS
    total: float = TOTAL_SECONDS
    connections: int = CONNECTIONS


@dataclass(slots=True)
class _Trace:
    """How far a request got: once it has a connection, the provider may have seen it."""

    connected: bool = False


_TRACE: Final = ContextVar[_Trace]("request")


class _Connector(aiohttp.TCPConnector):
    """Marks a request that has got a connection, before anything of it is written."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        _TRACE.get().connected = True
        return connection


class Http:
    """An HTTP client of its own pool; `async with` opens and closes it."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits

    async def __aenter__(self) -> Self:
        """Open the pool; connects to nobody yet."""
        self._session = aiohttp.ClientSession(
            connector=_Connector(
                limit=self._limits.connections,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                ttl_dns_cache=DNS_SECONDS,
            ),
            timeout=aiohttp.ClientTimeout(total=self._limits.total, connect=self._limits.connect),
            headers={"user-agent": USER_AGENT},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the pool."""
        await self._session.close()

    async def drive(self, exchange: Exchange[T]) -> T | Trouble:
        """What the exchange came to, or why it got no answer; raises what the exchange raises.

        Only of its first request can be proven that nothing was asked of the provider.
        """
        answered = False
        try:
            request = next(exchange)
            while True:
                response = await self._request(request)
                if not isinstance(response, HttpResponse):
                    return _unproven(response) if answered else response
                answered = True
                request = exchange.send(response)
        except StopIteration as end:
            ended: T = end.value
            return ended
        finally:
            exchange.close()

    async def _request(self, request: HttpRequest) -> HttpResponse | Trouble:
        trace = _Trace()
        _TRACE.set(trace)
        try:
            return await self._answer(request)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _trouble(request, trace, error)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        async with self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
        ) as response:
            return await taken(response, request.max_bytes)


def _trouble(request: HttpRequest, trace: _Trace, error: Exception) -> Trouble:
    detail = request.struck(str(error) or type(error).__name__)
    if not trace.connected:
        return NotConnected(f"{_NO_CONNECTION}{detail}")
    if isinstance(error, TimeoutError):
        return Unanswered(Unknown.TIMEOUT, detail)
    if isinstance(error, aiohttp.ClientResponseError):
        return Unanswered(Unknown.MALFORMED_ANSWER, detail)
    return Unanswered(Unknown.CONNECTION_LOST, detail)


def _unproven(trouble: Trouble) -> Unanswered:
    """An earlier request of the exchange was answered; the provider may have acted on it."""
    if isinstance(trouble, Unanswered):
        return trouble
    return Unanswered(Unknown.CONNECTION_LOST, trouble.detail)
