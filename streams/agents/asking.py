"""Asks models what is in some bytes, and pays once for the same.

Whoever asks what somebody is asking already waits for that answer: here, or in another process
for as long as it lives. What it left unfinished is asked again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, assert_never

from schemas.job_failures import JobFailureCode
from schemas.work import ProcessMedia
from streams.agents import metrics
from streams.agents.media_world import World
from streams.media import paying
from streams.media.failures import Failed
from streams.patience import pause, unless_leaving, until_available
from streams.ports import Busy, Claimed, Finished, Leaving, Unavailable, Understood
from streams.window import Left

logger = logging.getLogger(__name__)

BUSY_SECONDS: Final = 1.0
LONGEST_WAIT_SECONDS: Final = 900.0
"""For somebody else's call: longer than any, with its model's patience and a crowd before it."""

Call = Callable[[], Awaitable[Understood | Failed]]


class Asking:
    """Knows what is being asked in this process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._in_flight: dict[str, asyncio.Future[None]] = {}

    async def once(
        self, effect_id: str, order: ProcessMedia, call: Call, leaving: Leaving
    ) -> Understood | Failed:
        """What `call` gives, or what it gave before; raises `Left`."""
        deadline = asyncio.get_running_loop().time() + LONGEST_WAIT_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if (earlier := self._in_flight.get(effect_id)) is not None:
                await unless_leaving(_ended(earlier), leaving)
                continue
            answer = await self._alone(effect_id, order, call, leaving)
            if answer is not None:
                return answer
            await pause(BUSY_SECONDS, leaving)
        return Failed(JobFailureCode.TIMED_OUT, "another process has been at the same for too long")

    async def _alone(
        self, effect_id: str, order: ProcessMedia, call: Call, leaving: Leaving
    ) -> Understood | Failed | None:
        """As `once`, while others here wait; None if another process is at it."""
        ended = self._in_flight[effect_id] = asyncio.get_running_loop().create_future()
        try:
            return await self._taken(effect_id, order, call, leaving)
        finally:
            ended.set_result(None)
            del self._in_flight[effect_id]

    async def _taken(
        self, effect_id: str, order: ProcessMedia, call: Call, leaving: Leaving
    ) -> Understood | Failed | None:
        leases = self._world.leases
        taken = await until_available(lambda: leases.take(effect_id), leaving)
        match taken:
            case Finished():
                metrics.REUSED.labels(order.kind).inc()
                return paying.found(taken.result, order)
            case Busy():
                return None
            case Claimed():
                return await self._act(effect_id, order, call, leaving)
            case _:
                assert_never(taken)

    async def _act(
        self, effect_id: str, order: ProcessMedia, call: Call, leaving: Leaving
    ) -> Understood | Failed:
        try:
            answer = await call()
        except BaseException:
            await self._release(effect_id)
            raise
        if isinstance(answer, Failed):
            await self._release(effect_id)
            return answer
        result = paying.noted(answer, order)
        try:
            leases = self._world.leases
            held = await until_available(lambda: leases.finish(effect_id, result), leaving)
        except Left:  # the ledger is away and we must go: at least the log shall know
            return answer
        return paying.found(held, order)

    async def _release(self, effect_id: str) -> None:
        with suppress(Unavailable):  # it ends by itself
            await self._world.leases.release(effect_id)


async def _ended(future: asyncio.Future[None]) -> None:
    await asyncio.wait([future])
