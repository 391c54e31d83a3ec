"""Delivery agents are killed, frozen, stopped and started under load: no reply leaves twice."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold.settings import Settings
from schemas.content import SendOutcome
from schemas.topics import Topics
from tests.support import agents, roles
from tests.support.agents import Agent
from tests.support.stage import Scene, staged, unknown

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "1"))
LATENCY = 0.02
CHATS = 40

POINTS = [
    "delivery.before_claim",
    "delivery.after_claim",
    "delivery.after_answer",
    "delivery.before_report",
    "delivery.after_report",
]


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(settings, tmp_path / "agent.log", latency=LATENCY) as ready:
        yield ready


def load(rounds: int) -> list:
    return [agents.order(chat, number) for number in range(rounds) for chat in range(CHATS)]


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_a_named_point_it_sends_nothing_twice_and_loses_nothing(
    scene: Scene, point: str
) -> None:
    orders = load(4 + 2 * RUNS)
    await agents.produce_in_transactions(scene.settings, orders, size=9, abort_every=4)
    rng = random.Random(point)
    for _ in range(RUNS):
        agent = scene.agent("a", CHATFOLD_FAILPOINT=f"{point}:{rng.randint(1, CHATS)}")
        with roles.running(agent):
            assert await asyncio.to_thread(agent.wait_ended) == -signal.SIGKILL
    with roles.running(scene.agent("a")):
        told = await agents.reported(scene.settings, orders)
    scene.check(orders, told)
    assert unknown(told) <= RUNS * CHATS
    if point == "delivery.after_answer":
        assert unknown(told) >= RUNS


async def test_killed_at_random_it_sends_nothing_twice_and_loses_nothing(scene: Scene) -> None:
    orders = load(4 + 3 * RUNS)
    await agents.produce_in_transactions(scene.settings, orders, size=9, abort_every=4)
    rng = random.Random("at random")
    for _ in range(RUNS):
        with roles.running(agent := scene.agent("a")):
            await scene.arrived(scene.received + rng.randint(1, 2 * CHATS))
            await asyncio.to_thread(agent.kill)
    with roles.running(scene.agent("a")):
        told = await agents.reported(scene.settings, orders)
    scene.check(orders, told)
    assert unknown(told) <= RUNS * CHATS


async def test_two_agents_join_leave_freeze_thaw_and_die_without_harm(scene: Scene) -> None:
    load = Load(scene)
    first, second = _agent(scene, "a"), _agent(scene, "b")
    with roles.running(first, second):
        for _ in range(max(1, RUNS // 3)):
            await _both_work(scene, first, second)
            await asyncio.to_thread(second.kill, signal.SIGTERM)
            assert second.wait_ended() == 0
            second = _agent(scene, "b")
            with roles.running(second):
                await _both_work(scene, first, second)
                first.kill(signal.SIGSTOP)
                await load.reported()  # so the other has all partitions: its session is over
                first.kill(signal.SIGCONT)
                await scene.arrived(scene.received + CHATS)
                await asyncio.to_thread(second.kill)
            second = _agent(scene, "b")
        with roles.running(second):
            await _both_work(scene, first, second)
            orders = await load.end()
            told = await agents.reported(scene.settings, orders)
    scene.check(orders, told)
    sent = sum(one.outcome is SendOutcome.SENT for one in told.values())
    assert sent > 0.8 * len(orders)


class Load:
    """Orders as the decider gives them: a chat's next when the one before is reported."""

    def __init__(self, scene: Scene) -> None:
        self._settings = scene.settings
        self._orders: list = []
        self._numbers = Counter()
        self._awaited: dict[str, int] = {}
        self._ending = False
        self._task = asyncio.create_task(self._decide())

    async def reported(self) -> None:
        """Wait until all that was ordered by now is reported."""
        wanted = set(self._awaited)

        async def met() -> bool:
            return not wanted & self._awaited.keys()

        await agents.eventually(met, "all orders to be reported", 90)

    async def end(self) -> list:
        """Order no more; all that was ordered."""
        self._ending = True
        await self._task
        return self._orders

    async def _decide(self) -> None:
        topic = Topics(self._settings.topic_prefix).inbox
        ready = list(range(CHATS))
        async with agents.following(self._settings, topic) as inbox:
            while not self._ending:
                new = [self._next(chat) for chat in ready]
                await agents.produce(self._settings, new)
                polled = await inbox.getmany(timeout_ms=100)
                told = [agents.report(record) for batch in polled.values() for record in batch]
                ready = [
                    self._awaited.pop(one.data.reply_id)
                    for one in told
                    if one.data.reply_id in self._awaited
                ]

    def _next(self, chat: int):
        self._numbers[chat] += 1
        new = agents.order(chat, self._numbers[chat])
        self._awaited[new.data.reply_id] = chat
        self._orders.append(new)
        return new


def _agent(scene: Scene, name: str) -> Agent:
    return scene.agent(name, TEST_SESSION_SECONDS="6")


async def _both_work(scene: Scene, *working: Agent) -> None:
    for one in working:
        await asyncio.to_thread(one.wait_ready)
    await scene.arrived(scene.received + CHATS)
