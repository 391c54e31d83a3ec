"""Accounts that may send little, or that hang, beside others that do well: real agents, sandbox."""

import asyncio
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from schemas.content import SendOutcome
from schemas.tenants import SendLimits
from tests.support import agents, kafka, roles
from tests.support.agents import Agent
from tests.support.stage import Scene, staged

SLOW, FAST = "telegram", "whatsapp_cloud"


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(settings, tmp_path / "agent.log") as ready:
        yield ready


async def _limited(scene: Scene, limits: SendLimits) -> None:
    """Give the slow provider's accounts limits of their own."""
    usual = agents.tenant(scene.box.whatsapp_url, scene.box.telegram_url)
    accounts = tuple(
        one.model_copy(update={"limits": limits}) if one.provider == SLOW else one
        for one in usual.accounts
    )
    await kafka.prepare(scene.settings, usual.model_copy(update={"accounts": accounts}))


async def test_an_account_that_may_send_little_delays_no_other(scene: Scene) -> None:
    await _limited(scene, SendLimits(account_per_second=1))
    slow = [agents.order(chat, 0, provider=SLOW) for chat in range(1_000, 1_600)]
    others = [agents.order(chat, number) for number in range(3) for chat in range(100)]
    with roles.running(agent := scene.agent()):
        await asyncio.to_thread(agent.wait_ready)
        await agents.produce(scene.settings, slow)
        await scene.arrived(1)
        began = time.monotonic()
        await agents.produce(scene.settings, others)
        told = await agents.reported(scene.settings, others)
        took = time.monotonic() - began
        sent = [one for one in scene.box.journal.find(provider=SLOW) if one.accepted]
    outcomes = {told[one.data.reply_id].outcome for one in others}
    assert outcomes == {SendOutcome.SENT}
    assert took < 10
    assert len(sent) <= took + 5
    for chat in range(100):
        assert scene.got(chat) == [f"chat {chat} reply {number}" for number in range(3)]


async def test_what_would_wait_too_long_comes_again_spread_over_time(scene: Scene) -> None:
    await _limited(scene, SendLimits(account_per_second=1))
    orders = [agents.order(chat, 0, provider=SLOW) for chat in range(60)]
    with roles.running(agent := scene.agent()):
        await asyncio.to_thread(agent.wait_ready)
        await agents.produce(scene.settings, orders)
        sent_back = await _sent_back(scene, 25)
        back = [one for one in orders if one.data.reply_id in sent_back]
        told = await agents.reported(scene.settings, back)
    reports = [told[one.data.reply_id] for one in back]
    waits = sorted(one.retry_after_seconds for one in reports)
    assert all(one.error_code == "crowded" and one.retryable for one in reports)
    assert waits[0] > 30
    assert waits[-1] - waits[0] == pytest.approx(len(waits) - 1, abs=3)


async def _sent_back(scene: Scene, count: int) -> set[str]:
    """The replies whose orders were not sent, once there are so many."""
    found: set[str] = set()

    async def met() -> bool:
        found.update(
            one.data.reply_id
            for one in await agents.reports(scene.settings)
            if one.data.error_code == "crowded"
        )
        return len(found) >= count

    await agents.eventually(met, f"{count} orders to be sent back", 25)
    return found


async def test_an_account_that_hangs_delays_no_other(scene: Scene) -> None:
    hanging = Fault(fault="slow", delay=12, times=None, match=Match(provider=SLOW))
    scene.box.faults.add(hanging)
    slow = [agents.order(chat, 0, provider=SLOW) for chat in range(1_000, 1_400)]
    others = [agents.order(chat, 0) for chat in range(300)]
    with roles.running(agent := scene.agent()):
        await asyncio.to_thread(agent.wait_ready)
        await agents.produce(scene.settings, slow)

        async def hangs() -> bool:
            return 'chatfold_delivery_waiting_orders{of="sends"} 336.0' in await _metrics(agent)

        await agents.eventually(hangs, "64 orders to hang and the rest to wait", 10)
        began = time.monotonic()
        await agents.produce(scene.settings, others)
        told = await agents.reported(scene.settings, others)
        took = time.monotonic() - began
    assert {told[one.data.reply_id].outcome for one in others} == {SendOutcome.SENT}
    assert took < 8


async def _metrics(agent: Agent) -> str:
    def got() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{agent.port}/metrics", timeout=5) as answer:
            return answer.read().decode()

    return await asyncio.to_thread(got)


async def test_two_agents_together_keep_to_an_accounts_rate(scene: Scene) -> None:
    await _limited(scene, SendLimits(account_per_second=16, chat_per_second=100))
    orders = [agents.order(chat, 0, provider=SLOW) for chat in range(80)]
    first, second = scene.agent("a"), scene.agent("b")
    with roles.running(first, second):
        for one in (first, second):
            await asyncio.to_thread(one.wait_ready)
        await agents.produce(scene.settings, orders)
        told = await agents.reported(scene.settings, orders)
    assert {one.outcome for one in told.values()} == {SendOutcome.SENT}
    times = [one.received_at for one in scene.box.journal.find(provider=SLOW)]
    took = (max(times) - min(times)).total_seconds()
    assert took >= (80 - 2 * 2) / 16  # after a burst of each
