"""Status webhooks for messages that were taken: sent, delivered, read, as the provider signs."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from types import MappingProxyType
from typing import Final, Self

import aiohttp

from chatfold.clock import Clock
from chatfold.sandbox import evolution, graph, greenapi, instagram, whapi
from chatfold.sandbox.journal import Received
from providers.registry import PROVIDERS
from schemas import codec
from schemas.content import Json

logger = logging.getLogger(__name__)

BODIES: Final[Mapping[str, Callable[[Received, str, datetime], Json | None]]] = MappingProxyType(
    {
        graph.PROVIDER: graph.status_webhook,
        whapi.PROVIDER: whapi.status_webhook,
        evolution.PROVIDER: evolution.status_webhook,
        greenapi.PROVIDER: greenapi.status_webhook,
        instagram.PROVIDER: instagram.status_webhook,
    }
)
"""How each provider tells of a message, by one of `WORDS`; None where it does not."""

WORDS: Final = ("sent", "delivered", "read")
WAITING: Final = 10_000
POSTS_AT_A_TIME: Final = 4
TRIES: Final = 5
POST_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.5


class StatusSender:
    """Posts the statuses of one provider's messages to a gateway, from a bounded queue."""

    def __init__(
        self, url: str, secret: str, now: Clock, *, provider: str = graph.PROVIDER
    ) -> None:
        self.posted = 0
        self.dropped = 0
        self._url = url
        self._secret = secret
        self._now = now
        self._provider = PROVIDERS[provider]
        self._body = BODIES[provider]
        self._waiting = asyncio.Queue[Received](WAITING)

    async def __aenter__(self) -> Self:
        """Begin to post."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=POST_SECONDS))
        self._workers = [asyncio.create_task(self._work()) for _ in range(POSTS_AT_A_TIME)]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Post no more."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.wait(self._workers)
        await self._session.close()

    def offer(self, received: Received) -> None:
        """Tell of a message that was taken; dropped if too many wait."""
        if received.provider != self._provider.name:
            return
        try:
            self._waiting.put_nowait(received)
        except asyncio.QueueFull:
            self.dropped += 1

    async def _work(self) -> None:
        while True:
            received = await self._waiting.get()
            for word in WORDS:
                body = self._body(received, word, self._now())
                if body is not None:
                    await self._post(codec.dumps(body))

    async def _post(self, body: bytes) -> None:
        headers = {"content-type": "application/json", **self._provider.sign(body, self._secret)}
        for _ in range(TRIES):
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.post(self._url, data=body, headers=headers) as response:
                    if response.status < 500:
                        self.posted += 1
                        return
            await asyncio.sleep(PAUSE_SECONDS)
        self.dropped += 1
        logger.warning("a status webhook was not taken by %s", self._url)
