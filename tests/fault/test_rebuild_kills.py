"""A rebuild under live traffic that is killed again and again, compared and promoted at last."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from chatfold.settings import Settings
from tests.support import facts, oracle, projecting, rebuilding, tables, viewing
from tests.support.rebuilding import Command

RUNS = min(10, int(os.environ.get("CHATFOLD_FAULT_RUNS", "3")))
BEFORE = 3_000
FACTS = BEFORE + 1_000 * RUNS


async def traffic(settings: Settings, log: list, stop: asyncio.Event) -> None:
    """Facts, a few at a time, until there are no more; without pauses once `stop` is set."""
    for number, start in enumerate(range(0, len(log), 10), 1):
        await projecting.append(settings, log[start : start + 10], seed=number)
        if not stop.is_set():
            await asyncio.sleep(0.2)


async def until_it_moves(command: Command, seconds: float = 120) -> None:
    """Until it has read something that it had not read when it began."""
    async with asyncio.timeout(seconds):
        while not command.ended and len({one.get("records") for one in command.told}) < 2:
            await asyncio.sleep(0.02)


async def killed_again_and_again(settings: Settings, folder: Path, name: str = "tables") -> list:
    """Kill it at any moment; what the last one told, which was let to its end."""
    rng = random.Random(9)
    how = ("rebuild", name, "--parallel", "2", "--throttle", "1500")
    for run in range(RUNS):
        command = Command(settings, folder / f"{run}", *how)
        try:
            await until_it_moves(command)
            await asyncio.sleep(rng.random() * 0.5)
        finally:
            await asyncio.to_thread(command.kill)
    last = Command(settings, folder / "last", *how[:-2])
    assert await last.wait() == 0, (folder / "last").read_text()
    return last.told


@pytest.mark.timeout(1200)
async def test_a_rebuild_killed_again_and_again_is_promoted_under_live_traffic(
    settings: Settings, tmp_path: Path
) -> None:
    log = facts.log(201, chats=40, facts=FACTS)
    await projecting.prepare(settings)
    await projecting.append(settings, log[:BEFORE])
    stop = asyncio.Event()
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
        async with rebuilding.watched(settings) as readers:
            appending = asyncio.create_task(traffic(settings, log[BEFORE:], stop))
            told = await killed_again_and_again(settings, tmp_path)
            name = told[-1]["name"]
            same = await rebuilding.diff(settings, "live", name)
            assert (same.is_exact, same.is_equal) == (True, True)
            assert (await rebuilding.promote(settings, name)).now == name
            stop.set()
            await appending
            await projecting.caught_up(settings)
        assert not [reader.shrunk for reader in readers if reader.shrunk]
        assert max(reader.longest for reader in readers) < 5
        same = await rebuilding.diff(settings, "live", "v1")
        assert (same.is_exact, same.is_equal) == (True, True)
    want = await tables.expected(
        settings.database, f"{settings.database_schema}_want", oracle.tables(log)
    )
    assert await rebuilding.dump(settings, "live") == want


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kept_in", ["valkey", "json files"])
async def test_a_rebuild_of_views_killed_again_and_again_is_promoted_under_live_traffic(
    settings: Settings, tmp_path: Path, kept_in: str
) -> None:
    settings = settings if kept_in == "valkey" else viewing.in_files(settings)
    log = projecting.recently(facts.log(202, chats=40, facts=BEFORE + 400 * RUNS))
    await projecting.prepare(settings)
    await projecting.append(settings, log[:BEFORE])
    stop = asyncio.Event()
    async with projecting.viewing(settings):
        await projecting.viewed(settings, log[:BEFORE])
        async with viewing.watched(settings, log) as reader:
            appending = asyncio.create_task(traffic(settings, log[BEFORE:], stop))
            told = await killed_again_and_again(settings, tmp_path, "views")
            name = told[-1]["name"]
            same = await rebuilding.diff(settings, "live", name, of="views")
            assert (same.is_exact, same.is_equal) == (True, True)
            assert (await rebuilding.promote(settings, name, of="views")).now == name
            stop.set()
            await appending
            await projecting.viewed(settings, log)
        assert not reader.shrunk
        assert reader.looks > 5
        same = await rebuilding.diff(settings, "live", "v1", of="views")
        assert (same.is_exact, same.is_equal) == (True, True)
