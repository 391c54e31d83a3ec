"""From a record of a work topic to the agent, or to the dead letters."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from schemas import codec, envelope
from schemas.dead_letters import dead_letter
from schemas.envelope import Recorded
from schemas.work import Order
from streams.agents import metrics
from streams.apps import TakenEvent
from streams.patience import until_available
from streams.ports import Leaving, ResultLog
from streams.window import Left

logger = logging.getLogger(__name__)

APPEND_SECONDS: Final = 5.0

Agent = Callable[[Recorded[Order], Leaving], Awaitable[None]]
"""Handles an order for good; raises `Left`, or anything else, which makes a dead letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Hands orders to an agent; raises nothing but `Left`."""

    name: str
    agent: Agent
    log: ResultLog
    dead_letters: str

    async def handle(self, event: TakenEvent, leaving: Leaving) -> None:
        """Return when the order, or its dead letter, is dealt with."""
        try:
            order = _read(event)
        except codec.Undecodable as error:
            await self._bury(event, "undecodable", str(error), leaving)
            return
        try:
            await self.agent(order, leaving)
        except Left:
            raise
        except Exception as error:
            logger.exception("order %s of chat %s failed", order.id, order.chat_id)
            await self._bury(event, "defect", repr(error), leaving, traceback.format_exc())

    async def _bury(
        self, event: TakenEvent, cause: str, reason: str, leaving: Leaving, stack: str = ""
    ) -> None:
        letter = dead_letter(
            key=event.key,
            value=event.message.value,
            headers=event.headers,
            origin=event.position,
            reason=reason,
            stack=stack,
        )
        await until_available(
            lambda: self.log.append(self.dead_letters, [letter], APPEND_SECONDS), leaving
        )
        metrics.DEAD_LETTERS.labels(self.name, cause).inc()
        logger.error("dead letter from %s: %s", event.position, reason)


def _read(event: TakenEvent) -> Recorded[Order]:
    return envelope.decode(codec.ORDERS, value=event.message.value, headers=event.headers)
