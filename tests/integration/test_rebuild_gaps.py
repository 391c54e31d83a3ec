"""A rebuild whose log has a gap: named, and never stepped over."""

from pathlib import Path

import pytest

from chatfold.settings import Settings
from tests.support import archiving, facts, projecting
from tests.support.commands import run
from tests.support.rebuilding import Command


@pytest.mark.parametrize("name", ["tables", "views"])
async def test_what_neither_kafka_nor_the_archive_holds_ends_a_rebuild(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    log = projecting.recently(facts.log(131, chats=8, facts=900))
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log[:300])
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    await projecting.append(settings, log[300:600], seed=1)
    await archiving.truncate(settings, topic, share=1)
    await projecting.append(settings, log[600:], seed=2)
    command = Command(settings, tmp_path / "log", "rebuild", name)
    assert await command.wait() == 2
    told = (tmp_path / "log").read_text()
    assert "is in neither: Kafka begins at" in told
    assert "Traceback" not in told
    listed = await run(settings, "projections", "list")
    stands = {row["build"]: row["state"] for row in listed if row["projection"] == name}
    assert stands == {"v1": "live", "v2": "filling"}
