"""The delivery agent: sends each reply at most once per attempt, and reports how that ended.

The ledger has the claim before the provider is called, so that nobody calls again after a
crash; and how it ended before the report goes to `inbox`, so that the report is the same
however often it is made.
"""

import asyncio

from schemas.envelope import Recorded
from schemas.topics import Groups, Topics
from schemas.work import Order, SendMessage
from streams.agents import metrics
from streams.agents.lines import Lines
from streams.agents.sending import Sending, World, telling
from streams.agents.unread import UnreadReplies
from streams.apps import Consumption
from streams.ports import Leaving
from streams.roles import AgentRole
from streams.window import HELD

__all__ = ["Delivery", "World", "build"]


def build(
    world: World,
    *,
    bootstrap: str,
    topics: Topics,
    groups: Groups,
    instance: str | None = None,
) -> AgentRole:
    """The role that sends replies, as the group's member `instance`."""
    consumption = Consumption(
        name="delivery",
        bootstrap=bootstrap,
        topic=topics.work_delivery,
        group=groups.delivery,
        dead_letters=topics.dead_letters,
        instance=instance,
        limit=HELD,  # all may wait for their turn at once; `Lines` bounds those being sent
    )
    agent = Delivery(world).handle
    unread = UnreadReplies(telling(world), world.ledger)
    return AgentRole(taken=consumption, agent=agent, log=world.log, now=world.now, unread=unread)


class Delivery:
    """Handles the orders of `work.delivery`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._in_flight: dict[str, asyncio.Future[None]] = {}
        self._lines = Lines(world.limiter)

    async def handle(self, order: Recorded[Order], leaving: Leaving) -> None:
        """Return when the report is in the log; raises `Left`."""
        message = order.data
        if not isinstance(message, SendMessage):
            raise TypeError(f"{message.type} is not for the delivery agent")
        effect_id = f"{message.reply_id}:{message.attempt}"
        while (earlier := self._in_flight.get(effect_id)) is not None:
            await asyncio.wait([earlier])
            if not earlier.cancelled():
                metrics.REPEATS.labels("joined").inc()
                return
        await self._alone(Sending(self._world, self._lines, order, message, effect_id, leaving))

    async def _alone(self, sending: Sending) -> None:
        """Send while others who want the same wait."""
        ended = self._in_flight[sending.effect_id] = asyncio.get_running_loop().create_future()
        try:
            await sending.run()
            ended.set_result(None)
        finally:
            ended.cancel()
            del self._in_flight[sending.effect_id]
