"""The clients of all services over one pool of connections."""

from typing import Final, Self

import httpx2
from openai import AsyncOpenAI

from chatfold.models import services
from chatfold.models.services import Service

CONNECT_SECONDS: Final = 5.0
KEEP_ALIVE_SECONDS: Final = 10.0
"""Shorter than services keep idle connections, so that few are closed under a request."""

CONNECTIONS: Final = 600
"""More than the agents ask at a time; systems often allow a process 1,024 open files."""

KEPT: Final = 1_000


class Clients:
    """Clients by service, each made once; `async with` opens and closes the connections."""

    def __init__(self) -> None:
        self._made: dict[Service, AsyncOpenAI] = {}

    async def __aenter__(self) -> Self:
        """Open the pool; connects to nobody yet."""
        self._http = httpx2.AsyncClient(
            limits=httpx2.Limits(
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE_SECONDS,
            ),
            follow_redirects=False,
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the pool."""
        await self._http.aclose()

    def of(self, service: Service) -> AsyncOpenAI:
        """The client of a service."""
        found = self._made.get(service)
        if found is None:
            while len(self._made) >= KEPT:
                del self._made[next(iter(self._made))]
            found = self._made[service] = self._client(service)
        return found

    def _client(self, service: Service) -> AsyncOpenAI:
        """A client that tries once, and tells a service nothing of another's organization."""
        made = AsyncOpenAI(
            api_key=service.key,
            base_url=service.base_url,
            http_client=self._http,
            max_retries=0,
        )
        if service.base_url != services.OPENAI:
            made.organization = made.project = None
        return made


def timeout(seconds: float) -> httpx2.Timeout:
    """The limits of one request's parts; the whole is limited by who makes it."""
    return httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
