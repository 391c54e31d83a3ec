"""Assistant agents are killed and frozen while they ask: each job has one report, and no model is
paid for one more often than once, and once more for each death.
"""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold.settings import Settings
from tests.support import agents, roles
from tests.support.thinking import Scene, counted, effective, order, staged

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "1"))
LATENCY = 0.02
CHATS = 40
LONGEST = 4

pytestmark = pytest.mark.timeout(180 + 20 * RUNS)

PAID_MORE = {"reply.before_call": 0, "reply.after_call": 1, "reply.after_note": 0}
"""Calls that the death of an agent at a point costs."""


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(settings, tmp_path / "agent.log", latency=LATENCY) as ready:
        yield ready


def check(scene: Scene, orders: list, reports: dict, *, deaths: int) -> int:
    """Every report says what a model said; how many calls were made beyond one for each order."""
    more = 0
    for one in orders:
        calls = scene.asked(one)
        assert 1 <= len(calls) <= 1 + deaths
        report = reports[one.data.job_id]
        assert report.error_code is None
        assert one.data.conversation[0].text in report.text
        more += len(calls) - 1
    return more


@pytest.mark.parametrize("point", PAID_MORE)
async def test_killed_at_a_named_point_it_pays_at_most_once_more(scene: Scene, point: str) -> None:
    orders = [order(1, number) for number in range(LONGEST * (RUNS + 1))]
    await scene.produce(orders)
    rng = random.Random(point)
    for _ in range(RUNS):
        agent = scene.agent("a", CHATFOLD_FAILPOINT=f"{point}:{rng.randint(1, LONGEST)}")
        with roles.running(agent):
            assert await asyncio.to_thread(agent.wait_ended) == -signal.SIGKILL
    with roles.running(scene.agent("a")):
        told = await scene.reported(orders)
    assert check(scene, orders, effective(told), deaths=RUNS) == RUNS * PAID_MORE[point]


async def test_killed_at_random_it_reports_once_on_each_job(scene: Scene) -> None:
    orders = [order(chat, number) for number in range(4 + 3 * RUNS) for chat in range(CHATS)]
    await scene.produce(orders)
    rng = random.Random("at random")
    for _ in range(RUNS):
        with roles.running(agent := scene.agent("a")):
            await arrived(scene, len(scene.asked()) + rng.randint(1, 2 * CHATS))
            await asyncio.to_thread(agent.kill)
    with roles.running(scene.agent("a")):
        told = await scene.reported(orders)
    assert check(scene, orders, effective(told), deaths=RUNS) <= RUNS * CHATS


async def test_who_was_frozen_while_asking_reports_under_the_name_of_the_others_report(
    scene: Scene,
) -> None:
    """It tells what the other noted, or, if the ledger is away as it must go, what it was told."""
    orders = [order(chat, number) for number in range(40) for chat in range(CHATS)]
    first = scene.agent("a", TEST_SESSION_SECONDS="6")
    second = scene.agent("b", TEST_SESSION_SECONDS="6")
    with roles.running(first, second):
        for one in (first, second):
            await asyncio.to_thread(one.wait_ready)
        await scene.produce(orders)
        await arrived(scene, 2 * CHATS)
        first.kill(signal.SIGSTOP)
        told = await scene.reported(orders)  # so the other has all partitions
        first.kill(signal.SIGCONT)
        await asyncio.to_thread(first.wait_ready)
        last = [order(chat, 1000) for chat in range(CHATS)]
        await scene.produce(last)
        told |= await scene.reported([*orders, *last])
    assert check(scene, [*orders, *last], counted(told), deaths=1) <= CHATS


async def arrived(scene: Scene, count: int) -> None:
    """Wait until the models have answered so often."""

    async def met() -> bool:
        return len(scene.asked()) >= count

    await agents.eventually(met, f"{count} answers of models")
