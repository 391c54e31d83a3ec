"""Whatever ends the projector, freezes it or takes its servers away: no row lost or doubled."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from chatfold.settings import Settings
from chatfold.stack import Stack
from projections.registry import TABLES
from tests.support import facts, oracle, projecting, servers, tables
from tests.support.projecting import Process

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "1"))
FAILPOINTS = ("projector.before_copy", "projector.before_commit", "projector.after_commit")


async def assert_tables_are_the_fold(settings: Settings, log: list) -> None:
    schema = f"{settings.database_schema}_want"
    expected = await tables.expected(settings.database, schema, oracle.tables(log))
    assert await tables.dump(settings.database, settings.database_schema) == expected


async def until_ended(process: Process, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not process.ended:
            await asyncio.sleep(0.05)


async def until_any_position(settings: Settings, beyond: dict[int, int]) -> dict[int, int]:
    """The positions, once one of them has moved."""
    async with asyncio.timeout(60):
        while (there := await projecting.positions(settings)) == beyond:
            await asyncio.sleep(0.02)
    return there


@pytest.mark.parametrize("failpoint", FAILPOINTS)
async def test_a_projector_killed_at_a_named_point_loses_and_doubles_nothing(
    settings: Settings, tmp_path: Path, failpoint: str
) -> None:
    rng = random.Random(failpoint)
    log = facts.log(rng.randrange(1000), chats=20, facts=400 * (RUNS + 1))
    await projecting.prepare(settings)
    for run in range(RUNS):
        await projecting.append(settings, log[run * 400 : (run + 1) * 400], seed=run)
        process = Process("tables", settings, tmp_path / "log", f"{failpoint}:{rng.randint(1, 3)}")
        await until_ended(process)
        assert process.end() == -signal.SIGKILL
    await projecting.append(settings, log[RUNS * 400 :], seed=RUNS)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    await assert_tables_are_the_fold(settings, log)


async def test_a_projector_killed_at_any_moment_loses_and_doubles_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    rng = random.Random(5)
    log = facts.log(51, chats=30, facts=1500 * (RUNS + 1))
    await projecting.prepare(settings)
    there: dict[int, int] = {}
    for run in range(RUNS):
        process = Process("tables", settings, tmp_path / "log")
        part = log[run * 1500 : (run + 1) * 1500]
        appending = asyncio.create_task(projecting.append(settings, part, seed=run))
        there = await until_any_position(settings, there)
        await asyncio.sleep(rng.random() * 0.3)
        process.end(signal.SIGKILL)
        await appending
        there = await projecting.positions(settings)
    await projecting.append(settings, log[RUNS * 1500 :], seed=RUNS)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    await assert_tables_are_the_fold(settings, log)


async def test_sigterm_ends_a_projector_after_the_batch_in_flight(
    settings: Settings, tmp_path: Path
) -> None:
    log = facts.log(61, chats=20, facts=4000)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    process = Process("tables", settings, tmp_path / "log")
    await until_any_position(settings, {})
    loop = asyncio.get_running_loop()
    began = loop.time()
    process.send(signal.SIGTERM)
    await until_ended(process)
    assert process.end() == 0, (tmp_path / "log").read_text()
    assert loop.time() - began < 5
    assert await projecting.positions(settings) == await projecting.committed(settings, TABLES.name)


async def test_a_frozen_projector_that_wakes_up_writes_nothing_over_its_successor(
    settings: Settings, tmp_path: Path
) -> None:
    log = facts.log(71, chats=40, facts=6000)
    await projecting.prepare(settings)
    await projecting.append(settings, log[:2000])
    one = Process("tables", settings, tmp_path / "one")
    two = Process("tables", settings, tmp_path / "two", name="two")
    try:
        await projecting.caught_up(settings)
        appending = asyncio.create_task(projecting.append(settings, log[2000:4000], seed=1))
        await until_any_position(settings, await projecting.positions(settings))
        one.send(signal.SIGSTOP)
        await appending
        await projecting.caught_up(settings)  # by the other alone, after the session has expired
        one.send(signal.SIGCONT)
        await projecting.append(settings, log[4000:], seed=2)
        await projecting.caught_up(settings)
    finally:
        one.end()
        two.end()
    await assert_tables_are_the_fold(settings, log)


async def test_postgres_stopped_for_ten_seconds_is_caught_up_with(
    own_servers: Stack, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = servers.isolated(own_servers.settings, request.node.nodeid, tmp_path)
    log = facts.log(81, chats=30, facts=6000)
    await projecting.prepare(settings)
    await projecting.append(settings, log[:1000])
    process = Process("tables", settings, tmp_path / "log")
    try:
        await until_any_position(settings, {})
        await asyncio.to_thread(own_servers.postgres.stop)
        await projecting.append(settings, log[1000:3000], seed=1)
        await asyncio.sleep(10)
        await asyncio.to_thread(own_servers.postgres.start)
        await projecting.caught_up(settings)
        appending = asyncio.create_task(projecting.append(settings, log[3000:], seed=2))
        await until_any_position(settings, await projecting.positions(settings))
        await asyncio.to_thread(own_servers.postgres.kill)
        await asyncio.to_thread(own_servers.postgres.start)
        await appending
        await projecting.caught_up(settings)
        assert not process.ended
    finally:
        process.end()
    await assert_tables_are_the_fold(settings, log)


async def test_kafka_stopped_and_started_is_read_on_from(
    own_servers: Stack, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    settings = servers.isolated(own_servers.settings, request.node.nodeid, tmp_path)
    log = facts.log(91, chats=30, facts=4000)
    await projecting.prepare(settings)
    await projecting.append(settings, log[:2000])
    process = Process("tables", settings, tmp_path / "log")
    try:
        await until_any_position(settings, {})
        await asyncio.to_thread(own_servers.kafka.stop)
        await asyncio.sleep(3)
        await asyncio.to_thread(own_servers.kafka.start)
        await projecting.append(settings, log[2000:], seed=1)
        await projecting.caught_up(settings)
        await asyncio.to_thread(own_servers.kafka.kill)
        await asyncio.to_thread(own_servers.kafka.start)
        await projecting.caught_up(settings)
        assert not process.ended
    finally:
        process.end()
    await assert_tables_are_the_fold(settings, log)
