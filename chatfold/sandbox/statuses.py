"""Status webhooks for messages that were taken: sent, delivered, read, signed as Meta signs."""

import asyncio
import logging
from contextlib import suppress
from typing import Final, Self

import aiohttp

from chatfold.clock import Clock
from chatfold.sandbox import graph
from chatfold.sandbox.journal import Received
from providers.whatsapp_cloud import PROVIDER
from schemas import codec
from schemas.content import Json

logger = logging.getLogger(__name__)

WORDS: Final = ("sent", "delivered", "read")
WAITING: Final = 10_000
POSTS_AT_A_TIME: Final = 4
TRIES: Final = 5
POST_SECONDS: Final = 10.0
PAUSE_SECONDS: Final = 0.5


class StatusSender:
    """Posts the statuses of WhatsApp messages to a gateway, from a bounded queue."""

    def __init__(self, url: str, secret: str, now: Clock) -> None:
        self.posted = 0
        self.dropped = 0
        self._url = url
        self._secret = secret
        self._now = now
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
        if received.provider != graph.PROVIDER:
            return
        try:
            self._waiting.put_nowait(received)
        except asyncio.QueueFull:
            self.dropped += 1

    async def _work(self) -> None:
        while True:
            received = await self._waiting.get()
            for word in WORDS:
                await self._post(codec.dumps(self._webhook(received, word)))

    async def _post(self, body: bytes) -> None:
        headers = {"content-type": "application/json", **PROVIDER.sign(body, self._secret)}
        for _ in range(TRIES):
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self._session.post(self._url, data=body, headers=headers) as response:
                    if response.status < 500:
                        self.posted += 1
                        return
            await asyncio.sleep(PAUSE_SECONDS)
        self.dropped += 1
        logger.warning("a status webhook was not taken by %s", self._url)

    def _webhook(self, received: Received, word: str) -> Json:
        status: Json = {
            "id": received.message_id,
            "status": word,
            "timestamp": str(int(self._now().timestamp())),
            "recipient_id": received.to,
        }
        if received.reference:
            status["biz_opaque_callback_data"] = received.reference
        metadata = {
            "display_phone_number": received.account,
            "phone_number_id": received.account,
        }
        value: Json = {
            "messaging_product": "whatsapp",
            "metadata": metadata,
            "statuses": [status],
        }
        change = {"field": "messages", "value": value}
        entry = {"id": "0", "changes": [change]}
        return {"object": "whatsapp_business_account", "entry": [entry]}
