"""The assistant agent on real servers: it asks models, reports, and nobody waits for others."""

import asyncio
import signal
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from schemas.job_failures import JobFailureCode
from tests.support import agents, roles, thinking
from tests.support.thinking import Scene, effective, order, staged


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(settings, tmp_path / "agent.log", "slow") as ready:
        yield ready


async def test_each_order_is_answered_once_with_what_was_asked(scene: Scene) -> None:
    orders = [order(chat, number) for number in range(3) for chat in range(10)]
    await scene.produce(orders)
    with roles.running(scene.agent("a")):
        told = effective(await scene.reported(orders))
    for one in orders:
        report = told[one.data.job_id]
        assert one.data.conversation[0].text in report.text
        assert report.usage.tokens_out
        assert len(scene.asked(one)) == 1


async def test_what_goes_wrong_is_reported_and_not_tried_again_by_itself(scene: Scene) -> None:
    faults = {
        "429": JobFailureCode.THROTTLED,
        "500": JobFailureCode.SERVICE_DOWN,
        "cut_stream": JobFailureCode.MALFORMED_ANSWER,
        "content_filter": JobFailureCode.REFUSED,
    }
    orders = [order(chat, 0) for chat in range(len(faults))]
    for chat, fault in enumerate(faults):
        match = Match(text=thinking.words(chat, 0))
        scene.box.faults.add(Fault(fault=fault, match=match, retry_after=9))
    await scene.produce(orders)
    with roles.running(scene.agent("a")):
        told = effective(await scene.reported(orders))
    reports = [told[one.data.job_id] for one in orders]
    assert [one.error_code for one in reports] == list(faults.values())
    assert [one.retry_after_seconds for one in reports] == [9, 9, None, None]
    assert len(list(scene.box.journal.find(provider="openai"))) == len(orders)


async def test_the_others_are_answered_while_slow_ones_wait(scene: Scene) -> None:
    """Those of the same tenant, those of another, and questions, behind slow ones in the log."""
    hanging = [order(chat, 0, tenant="slow", text="hang!") for chat in range(300)]
    hanging += [order(chat, 0, text="hang!") for chat in range(30)]
    others = [order(chat, 1) for chat in range(1000, 1030)]
    behind = [order(chat, 1) for chat in range(30)]
    scene.box.faults.add(Fault(fault="slow", match=Match(text="hang!"), delay=600, times=None))
    await scene.produce([*hanging, *others, *behind, thinking.question(5_000)])
    with roles.running(scene.agent("a")):
        told = effective(await scene.reported(others))
        assert all(one.error_code is None for one in told.values())
        answer = await scene.answered(thinking.question(5_000))
        assert answer.answer == {"reachable": True, "operations": 3}
        assert not scene.asked(behind[0])  # its own chat is still at the one before


@pytest.mark.slow
async def test_an_answer_that_is_awaited_when_it_must_go_is_sought_again(scene: Scene) -> None:
    one = order(1, 0)
    scene.box.faults.add(Fault(fault="slow", delay=600))
    await scene.produce([one])
    with roles.running(agent := scene.agent("a")):
        await agents.eventually(lambda: _is_asking(agent), "the model to be asked")
        agent.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(agent.wait_ended, 60) == 0
    with roles.running(scene.agent("a")):
        told = effective(await scene.reported([one]))
    assert told[one.data.job_id].error_code is None


async def _is_asking(agent: agents.Agent) -> bool:
    def got() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{agent.port}/metrics", timeout=5) as answer:
            return answer.read().decode()

    try:
        told = await asyncio.to_thread(got)
    except OSError:
        return False
    return 'chatfold_models_calls_under_way{operation="chat"} 1.0' in told
