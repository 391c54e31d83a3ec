"""Whatever happens to deciders, each input is decided once."""

import asyncio
import itertools
import os
import random
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.facts import MessageReceived
from schemas.topics import Topics
from tests.support import kafka, webhooks
from tests.support.roles import Process, running

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "1"))
CHATS = 40
POINTS = (
    "decider.before_transaction",
    "decider.inside_transaction",
    "decider.after_transaction",
)


class Load:
    """Appends messages, one in ten of them twice, until it is told to stop."""

    def __init__(self, settings, seed: int) -> None:
        self.settings = settings
        self.random = random.Random(seed)
        self.sent: set[str] = set()
        self._going = True
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        for number in itertools.count():
            if not self._going:
                return
            await kafka.produce_inputs(self.settings, self._burst(number))
            await asyncio.sleep(0.05)

    def _burst(self, number: int):
        for index in range(20):
            wamid = f"wamid.{number}.{index}"
            user = str(4915100000000 + self.random.randrange(CHATS))
            words = self.random.choice(("hello", "/HISTORY", "/CLOSE", "/WAPPA", "/EXIT"))
            told = webhooks.body(webhooks.text(words, wamid=wamid, user=user))
            (recorded,) = webhooks.inputs(told, at=datetime.now(UTC))
            self.sent.add(wamid)
            yield from [recorded] * (2 if self.random.random() < 0.1 else 1)

    async def stop(self) -> None:
        self._going = False
        await self._task


async def decided(settings) -> set[str]:
    facts = (fact.data for fact in await kafka.facts(settings))
    return {f.platform_message_id for f in facts if isinstance(f, MessageReceived)}


async def wait_decided(settings, wanted: set[str], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not wanted <= await decided(settings):
            await asyncio.sleep(0.3)


async def some_more(settings, load: Load, count: int) -> None:
    """Wait until the load has sent `count` more and as many as it had sent are decided."""
    before = set(load.sent)
    async with asyncio.timeout(60):
        while len(load.sent) < len(before) + count:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("point", POINTS)
async def test_a_decider_killed_at_a_named_point_loses_and_doubles_nothing(
    settings, tmp_path: Path, point
):
    await kafka.prepare(settings, kafka.TENANT)
    load = Load(settings, seed=1)
    log = tmp_path / "decider.log"
    for run in range(RUNS):
        fatal = Process("decider", settings, log, CHATFOLD_FAILPOINT=f"{point}:{3 + run % 5}")
        with running(fatal):
            assert await asyncio.to_thread(fatal.wait_ended) == -signal.SIGKILL, log.read_text()
    await load.stop()
    with running(Process("decider", settings, log)):
        await wait_decided(settings, load.sent)
    assert await kafka.facts_differ(settings) == []
    assert await decided(settings) == load.sent


async def test_a_decider_killed_at_random_loses_and_doubles_nothing(settings, tmp_path: Path):
    await kafka.prepare(settings, kafka.TENANT)
    load, log = Load(settings, seed=2), tmp_path / "decider.log"
    moments = random.Random(3)
    for _ in range(RUNS):
        victim = Process("decider", settings, log)
        with running(victim):
            await asyncio.to_thread(victim.wait_ready)
            await asyncio.sleep(moments.uniform(0.0, 1.0))
    await load.stop()
    with running(Process("decider", settings, log)):
        await wait_decided(settings, load.sent)
    assert await kafka.facts_differ(settings) == []


async def test_a_frozen_decider_is_fenced_and_two_share_the_work(settings, tmp_path: Path):
    await kafka.prepare(settings, kafka.TENANT)
    load = Load(settings, seed=4)
    first = Process("decider", settings, tmp_path / "first.log")
    second = Process("decider", settings, tmp_path / "second.log")
    with running(first, second):
        await asyncio.to_thread(first.wait_ready)
        await asyncio.to_thread(second.wait_ready)
        await some_more(settings, load, 200)
        first.kill(signal.SIGSTOP)
        frozen = set(load.sent)
        await some_more(settings, load, 200)
        await wait_decided(settings, frozen)  # the second has taken over all partitions
        first.kill(signal.SIGCONT)
        await some_more(settings, load, 200)
        second.kill(signal.SIGTERM)
        await some_more(settings, load, 200)
        await load.stop()
        await wait_decided(settings, load.sent)
    assert await kafka.facts_differ(settings) == []


async def test_a_clean_stop_is_quick_and_leaves_a_store_that_is_used_again(
    settings, tmp_path: Path
):
    names = await kafka.prepare(settings, kafka.TENANT)
    assert names == Topics(settings.topic_prefix)
    log = tmp_path / "decider.log"
    first = [f"wamid.{n}" for n in range(30)]
    for wamids in (first, [*first, "wamid.new"]):
        told = [
            webhooks.text("hi", wamid=w, user=str(4915100000000 + n)) for n, w in enumerate(wamids)
        ]
        now = datetime.now(UTC)  # of long ago, their idle timers would be due, and some undecided
        await kafka.produce_inputs(settings, webhooks.inputs(webhooks.body(*told), at=now))
        decider = Process("decider", settings, log)
        with running(decider):
            await wait_decided(settings, set(wamids))
            decider.kill(signal.SIGTERM)
            assert decider.wait_ended() == 0, log.read_text()
    assert await kafka.facts_differ(settings) == []
