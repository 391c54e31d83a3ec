"""Whatever ends the writer of the views, they end as the fold of the log."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from chatfold.settings import Settings
from chatfold.stack import Stack
from tests.support import facts, projecting, servers
from tests.support.projecting import Process

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "3"))


async def until_ended(process: Process) -> None:
    async with asyncio.timeout(60):
        while not process.ended:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("failpoint", ["views.before_write", "views.after_write"])
async def test_a_writer_killed_at_a_named_point_leaves_nothing_behind_or_ahead(
    settings: Settings, tmp_path: Path, failpoint: str
) -> None:
    rng = random.Random(failpoint)
    log = projecting.recently(facts.log(rng.randrange(999), chats=150, facts=600 * (RUNS + 1)))
    await projecting.prepare(settings)
    for run in range(RUNS):
        await projecting.append(settings, log[run * 600 : (run + 1) * 600], seed=run)
        process = Process("views", settings, tmp_path / "log", f"{failpoint}:{rng.randint(1, 3)}")
        await until_ended(process)
        assert process.end() == -signal.SIGKILL
    await projecting.append(settings, log[RUNS * 600 :], seed=RUNS)
    async with projecting.viewing(settings):
        await projecting.viewed(settings, log)


async def test_a_writer_killed_at_any_moment_leaves_nothing_behind_or_ahead(
    settings: Settings, tmp_path: Path
) -> None:
    rng = random.Random(7)
    log = projecting.recently(facts.log(52, chats=300, facts=2000 * (RUNS + 1)))
    await projecting.prepare(settings)
    store = projecting.views_store(settings)
    for run in range(RUNS):
        before = (await store.stats())["operations"]
        process = Process("views", settings, tmp_path / "log")
        part = log[run * 2000 : (run + 1) * 2000]
        appending = asyncio.create_task(projecting.append(settings, part, seed=run))
        async with asyncio.timeout(60):
            while (await store.stats())["operations"] == before:
                await asyncio.sleep(0.01)
        await asyncio.sleep(rng.random() * 0.2)
        process.end(signal.SIGKILL)
        await appending
    await store.close()
    await projecting.append(settings, log[RUNS * 2000 :], seed=RUNS)
    async with projecting.viewing(settings):
        await projecting.viewed(settings, log)


async def test_a_frozen_writer_that_wakes_up_puts_no_view_back(
    settings: Settings, tmp_path: Path
) -> None:
    log = projecting.recently(facts.log(72, chats=60, facts=6000))
    await projecting.prepare(settings)
    await projecting.append(settings, log[:2000])
    one = Process("views", settings, tmp_path / "one")
    two = Process("views", settings, tmp_path / "two", name="two")
    try:
        await projecting.viewed(settings, log[:2000])
        appending = asyncio.create_task(projecting.append(settings, log[2000:4000], seed=1))
        one.send(signal.SIGSTOP)
        await appending
        await projecting.viewed(settings, log[:4000])
        one.send(signal.SIGCONT)
        await projecting.append(settings, log[4000:], seed=2)
        await projecting.viewed(settings, log)
    finally:
        one.end()
        two.end()


async def test_views_come_back_after_valkey_lost_everything(
    own_servers: Stack, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = servers.isolated(own_servers.settings, request.node.nodeid, tmp_path)
    log = projecting.recently(facts.log(82, chats=40, facts=3000))
    await projecting.prepare(settings)
    await projecting.append(settings, log[:1500])
    process = Process("views", settings, tmp_path / "log")
    try:
        await projecting.viewed(settings, log[:1500])
        await asyncio.to_thread(own_servers.valkey.kill)
        await projecting.append(settings, log[1500:], seed=1)
        await asyncio.to_thread(own_servers.valkey.start)
        await projecting.viewed(settings, log)
        assert not process.ended
    finally:
        process.end()
