"""A gateway is killed under load again and again: what it answered 200 is in the log."""

import asyncio
import os
from pathlib import Path

from chatfold.settings import Settings
from tests.support.edge import ACME
from tests.support.gateway import Load, inputs, names, prepare, role
from tests.support.roles import running

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "2"))


async def test_kill_9_under_load_loses_no_webhook_answered_200(settings: Settings, tmp_path: Path):
    await prepare(settings, ACME)
    accepted: set[str] = set()
    for number in range(RUNS):
        process, url = role(settings, tmp_path / "log")
        with running(process):
            await asyncio.to_thread(process.wait_ready)
            async with Load(url, connections=20) as load:
                await load.until_accepted(100 + 37 * number)
                process.kill()
        accepted |= load.accepted
    found = names(await inputs(settings))
    assert accepted <= set(found)
