"""How many ask somebody at a time, of all and of one: who is slow holds up only his own."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.agents import metrics
from streams.patience import unless_leaving
from streams.ports import Leaving


class Places:
    """`most` places, of which one account or tenant has at most `share`; `name` is for metrics."""

    def __init__(self, name: str, *, most: int, share: int) -> None:
        self._name = name
        self._most = asyncio.Semaphore(most)
        self._shares = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(share))

    @asynccontextmanager
    async def of(self, whose: str, leaving: Leaving) -> AsyncIterator[None]:
        """A place while the block runs; raises `Left`."""
        share = self._shares[whose]
        with metrics.MEDIA_WAITING.labels(self._name).track_inprogress():
            await unless_leaving(share.acquire(), leaving)
            try:
                await unless_leaving(self._most.acquire(), leaving)
            except BaseException:
                share.release()
                raise
        try:
            yield
        finally:
            self._most.release()
            share.release()
