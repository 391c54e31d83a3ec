"""Media agents are killed at named points: each file ends, and no call is paid for twice over."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from chatfold.settings import Settings
from schemas.content import JobKind, StoredMedia
from schemas.envelope import Recorded
from schemas.work import Order
from tests.support import made_files, media, roles
from tests.support.media import Scene, staged

RUNS = int(os.environ.get("CHATFOLD_FAULT_RUNS", "1"))
CHATS = 12
UNDER_WAY = CHATS * 2 // 3  # calls in the moment of a kill: one a chat that asks models

POINTS = [
    "media.before_store",
    "media.after_store",
    "media.before_call",
    "media.after_call",
    "media.before_report",
    "media.after_report",
]


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(settings, tmp_path / "agent.log") as ready:
        yield ready


async def load(scene: Scene, rounds: int) -> list[Recorded[Order]]:
    """Files to store, recordings to write down and scans to read, no two alike."""
    wanted = [(chat, number) for number in range(rounds) for chat in range(CHATS)]
    return [await _order(scene, chat, number) for chat, number in wanted]


async def _order(scene: Scene, chat: int, number: int) -> Recorded[Order]:
    name = f"{chat}-{number}"
    match chat % 3:
        case 0:
            reference = scene.put(name, made_files.voice(0.1, serial=1000 * chat + number))
            return media.order(chat, number, reference=reference)
        case 1:
            data, kind, mime = made_files.voice(0.1), JobKind.TRANSCRIBE, "audio/ogg"
        case _:
            data, kind, mime = made_files.scanned_pdf("red"), JobKind.EXTRACT, "application/pdf"
    data += name.encode()
    key = await scene.files.put(media.TENANT, data, mime)
    stored = StoredMedia(key=key, sha256=sha256(data).hexdigest(), mime=mime, size=len(data))
    return media.order(chat, number, kind=kind, stored=stored)


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_a_named_point_it_loses_nothing_and_pays_once_more_at_most(
    scene: Scene, point: str
) -> None:
    orders = await load(scene, 2 + RUNS)
    rng = random.Random(point)
    await media.produce(scene.settings, orders)
    for _ in range(RUNS):
        with roles.running(
            agent := scene.agent("a", CHATFOLD_FAILPOINT=f"{point}:{rng.randint(1, 4)}")
        ):
            assert await asyncio.to_thread(agent.wait_ended) == -signal.SIGKILL
    with roles.running(scene.agent("a")):
        told = await media.reported(scene.settings, orders)
    assert len(told) == len(orders)
    assert {one.error_code for one in told.values()} == {None}
    needed = sum(one.data.kind is not JobKind.STORE for one in orders)
    assert needed <= len(scene.calls) <= needed + RUNS * UNDER_WAY
    heard = Counter(one for one in scene.calls if one.startswith("transcribe"))
    assert max(heard.values()) <= 1 + RUNS
    assert all(one.usage for one in told.values() if one.stored is None)
    for order in orders:
        report = told[order.data.job_id, 1]
        if report.stored is not None:
            kept = await scene.files.get(report.stored.key)
            assert kept is not None
            assert sha256(kept).hexdigest() == report.stored.sha256


async def test_two_agents_pay_once_for_what_both_are_asked(scene: Scene) -> None:
    data = made_files.voice()
    key = await scene.files.put(media.TENANT, data, "audio/ogg")
    stored = StoredMedia(key=key, sha256=sha256(data).hexdigest(), mime="audio/ogg", size=len(data))
    orders = [media.order(chat, 0, kind=JobKind.TRANSCRIBE, stored=stored) for chat in range(40)]
    with roles.running(one := scene.agent("a"), two := scene.agent("b")):
        for agent in (one, two):
            await asyncio.to_thread(agent.wait_ready)
        told = await scene.told(orders)
    assert {one.error_code for one in told} == {None}
    assert len(scene.calls) == 1
