"""However an account fails, the others' replies leave as fast as without it."""

import asyncio
import itertools
import statistics
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from chatfold import clock
from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from tests.support import agents, kafka, roles
from tests.support.stage import Scene, staged

WELL = "well"
FAULTS = ["429", "401", "500", "cut_after_read", "lost_answer", "slow"]
OTHER_PROVIDER = "telegram"
BATCH, BATCHES, PAUSE = 5, 60, 0.05
"""A hundred a second for three seconds, and as many to the other account."""

ALLOWED, NOISE_SECONDS, TRIES = 1.2, 0.03, 4
"""A fifth more than beside an account that does well, measured just before; a busy machine
delays a hundredth of the replies by itself, and not each time."""


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(settings, tmp_path / "agent.log", latency=0.02) as ready:
        yield ready


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_an_account_that_fails_delays_no_other(scene: Scene) -> None:
    await _configured(scene)
    phases = _Phases(scene)
    with roles.running(agent := scene.agent(TEST_HTTP_SECONDS="5")):
        await asyncio.to_thread(agent.wait_ready)
        await phases.run(WELL)
        delayed = {fault: await phases.delay(fault) for fault in FAULTS}
    assert {fault: delay for fault, delay in delayed.items() if delay} == {}


async def _configured(scene: Scene) -> None:
    """An account of its own for each fault."""
    usual = agents.tenant(scene.box.whatsapp_url, scene.box.telegram_url)
    [good] = [one for one in usual.accounts if one.account == agents.TELEGRAM]
    failing = tuple(good.model_copy(update={"account": fault}) for fault in (WELL, *FAULTS))
    accounts = (*usual.accounts, *failing)
    await kafka.prepare(scene.settings, usual.model_copy(update={"accounts": accounts}))
    for fault in FAULTS:
        match = Match(text=f"account {fault}")
        scene.box.faults.add(Fault(fault=fault, delay=30, times=None, match=match))


class _Phases:
    """Stretches of steady load; every reply goes to a chat of its own."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._chats = itertools.count()

    async def delay(self, fault: str) -> tuple[float, float] | None:
        """The p99 beside an account that does well and beside one that fails, if it differs."""
        for _ in range(TRIES):
            well, failing = await self.run(WELL), await self.run(fault)
            if failing <= well * ALLOWED + NOISE_SECONDS:
                return None
        return well, failing

    async def run(self, other: str) -> float:
        """The p99 of ours beside another account, in seconds from the order to the provider."""
        produced: dict[str, datetime] = {}
        orders = []
        for _ in range(BATCHES):
            others = [agents.order(next(self._chats), 0) for _ in range(BATCH)]
            failing = [self._of_other(other) for _ in range(BATCH)]
            produced |= dict.fromkeys((one.data.to for one in others), clock.now())
            await agents.produce(self._scene.settings, [*failing, *others])
            orders += others
            await asyncio.sleep(PAUSE)
        await agents.reported(self._scene.settings, orders)
        took = [
            (one.received_at - produced[one.to]).total_seconds()
            for one in self._scene.box.journal.find(provider="whatsapp_cloud")
            if one.to in produced
        ]
        assert len(took) == BATCH * BATCHES
        return statistics.quantiles(took, n=100)[98]

    def _of_other(self, account: str):
        chat = next(self._chats)
        return agents.order(
            chat,
            0,
            provider=OTHER_PROVIDER,
            account=account,
            text=f"account {account}, chat {chat}",
        )
