"""An agent as a role: runs its Faust app in our loop, watches it, ends it in good order."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from faust.types import TP

from streams import transport
from streams.agents import metrics
from streams.agents.unread import Unread
from streams.apps import AgentApp, Consumption, Window
from streams.orders import Agent, Orders
from streams.ports import Clock, ResultLog

logger = logging.getLogger(__name__)

STOP_SECONDS: Final = 10.0
WATCH_SECONDS: Final = 0.5


class AgentFailed(Exception):
    """The agent cannot go on; the process must end with an error, and be started again."""


@dataclass(eq=False, kw_only=True)
class AgentRole:
    """Consumes orders, hands each to the agent, acknowledges it when it is dealt with.

    An order that cannot be read, or on which the agent breaks, goes to the dead letters; of one
    that cannot be read the chat is told by `unread`.
    """

    taken: Consumption
    agent: Agent
    log: ResultLog
    now: Clock
    unread: Unread | None = None

    def __post_init__(self) -> None:
        self._app: AgentApp | None = None
        self._measured: set[int] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; raises `AgentFailed` if Faust, Kafka or a bug prevents it.

        Returns with everything in flight finished, or left unacknowledged to come again.
        """
        taken = self.taken
        orders = Orders(
            name=taken.name,
            agent=self.agent,
            unread=self.unread,
            log=self.log,
            dead_letters=taken.dead_letters,
        )
        app = self._app = AgentApp(taken, Window(orders.handle, limit=taken.limit, held=taken.held))
        starting = asyncio.create_task(app.start())
        try:
            await self._watch(app, starting, stop)
        finally:
            self._app = None
            await self._shut(app, starting)

    def unready(self) -> Sequence[str]:
        """Why the role is not ready; empty if it is."""
        if self._app is None or not self._app.consumer_generation_id:
            return [f"{self.taken.name}: not yet in its consumer group"]
        if self._app.rebalancing:
            return [f"{self.taken.name}: its consumer group is being rebalanced"]
        return []

    async def _watch(
        self, app: AgentApp, starting: asyncio.Task[None], stop: asyncio.Event
    ) -> None:
        while not stop.is_set():
            problem, cause = _problem(app, starting)
            if problem:
                raise AgentFailed(f"{self.taken.name}: {problem}") from cause
            self._measure(app)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), WATCH_SECONDS)

    def _measure(self, app: AgentApp) -> None:
        name = self.taken.name
        metrics.IN_FLIGHT.labels(name).set(app.window.in_flight)
        metrics.HELD.labels(name).set(app.window.held)
        ours = app.consumer.assignment() if transport.is_running(app.consumer) else set()
        for tp in ours:
            self._measure_lag(app, tp)
        for partition in self._measured - {tp.partition for tp in ours}:
            metrics.LAG.remove(name, partition)
            metrics.LAG_SECONDS.remove(name, partition)
            self._measured.discard(partition)

    def _measure_lag(self, app: AgentApp, tp: TP) -> None:
        oldest = app.window.oldest(tp)
        lag = app.consumer.lag(tp, oldest.offset if oldest else None)
        if lag is not None:
            self._measured.add(tp.partition)
            age = self.now().timestamp() - oldest.message.timestamp if oldest else 0
            metrics.LAG.labels(self.taken.name, tp.partition).set(lag)
            metrics.LAG_SECONDS.labels(self.taken.name, tp.partition).set(max(0, age))

    async def _shut(self, app: AgentApp, starting: asyncio.Task[None]) -> None:
        await app.window.close(self.taken.grace)
        starting.cancel()
        await asyncio.wait([starting])
        stopping = asyncio.create_task(app.stop())
        await asyncio.wait([stopping], timeout=STOP_SECONDS)
        if not stopping.done():  # it swallows a cancellation, and goes on to wait for Kafka
            logger.warning("%s: Faust did not stop in %s s", self.taken.name, STOP_SECONDS)
        elif not stopping.cancelled() and (error := stopping.exception()):
            logger.warning("%s: Faust did not stop in order", self.taken.name, exc_info=error)


def _problem(
    app: AgentApp, starting: asyncio.Task[None]
) -> tuple[str | None, BaseException | None]:
    """What prevents the agent from going on, and its cause."""
    if starting.done() and starting.cancelled():
        return "Faust was interrupted at its start", None
    if starting.done() and starting.exception():
        return "Faust did not start", starting.exception()
    if app.crashed:
        return "Faust has crashed", app.crash_reason
    if app.window.defect:
        return "an order was neither handled nor put to the dead letters", app.window.defect
    if app.actor_ended:
        return "Faust's stream has ended", None
    if starting.done() and not transport.is_running(app.consumer):
        return "the consumer's thread has ended", None
    return None, None
