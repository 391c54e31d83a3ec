"""From a record of a work topic to the agent, or to the dead letters."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from schemas import awaited, codec, envelope
from schemas.dead_letters import dead_letter
from schemas.envelope import Recorded
from schemas.work import Order
from streams.agents import metrics
from streams.agents.unread import Unread
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
    """Hands orders to an agent; raises nothing but `Left`.

    What the agent cannot read is `unread`: the chat hears of it, if the headers tell which.
    """

    name: str
    agent: Agent
    unread: Unread | None
    log: ResultLog
    dead_letters: str

    async def handle(self, event: TakenEvent, leaving: Leaving) -> None:
        """Return when the order, or its dead letter, is dealt with."""
        try:
            order = _read(event)
        except codec.Undecodable as error:
            await self._give_up(event, str(error), leaving)
            return
        try:
            await self.agent(order, leaving)
        except Left:
            raise
        except Exception as error:
            logger.exception("order %s of chat %s failed", order.id, order.chat_id)
            await self._bury(event, "defect", repr(error), leaving, stack=traceback.format_exc())

    async def _give_up(self, event: TakenEvent, reason: str, leaving: Leaving) -> None:
        reported = await self._reported(event, reason, leaving)
        await self._bury(event, "undecodable", reason, leaving, reported=reported)

    async def _reported(self, event: TakenEvent, reason: str, leaving: Leaving) -> str:
        """What the chat was told to have failed, "" if it is not known or not ours."""
        order = awaited.read(event.headers)
        if self.unread is None or order is None:
            return ""
        try:
            return str(order.data) if await self.unread(order, reason, leaving) else ""
        except Left:
            raise
        except Exception:
            logger.exception("order %s of chat %s cannot be reported", order.id, order.chat_id)
            return ""

    async def _bury(
        self,
        event: TakenEvent,
        cause: str,
        reason: str,
        leaving: Leaving,
        *,
        stack: str = "",
        reported: str = "",
    ) -> None:
        letter = dead_letter(
            key=event.key,
            value=event.message.value,
            headers=event.headers,
            origin=event.position,
            reason=reason,
            stack=stack,
            reported=reported,
        )
        await until_available(
            lambda: self.log.append(self.dead_letters, [letter], APPEND_SECONDS), leaving
        )
        metrics.DEAD_LETTERS.labels(self.name, cause).inc()
        logger.error("dead letter from %s: %s", event.position, reason)


def _read(event: TakenEvent) -> Recorded[Order]:
    return envelope.decode(codec.ORDERS, value=event.message.value, headers=event.headers)
