"""A rebuild of a part of the log, its ends told as people tell a time or offsets."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from chatfold import clock
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from tests.support import commands_run, facts, oracle, projecting, rebuilding, tables


async def aged(settings: Settings, log: list) -> None:
    """The log, its first half appended two hours ago."""
    half = len(log) // 2
    await projecting.prepare(settings)
    await projecting.append(settings, log[:half], at=clock.now() - timedelta(hours=2))
    await projecting.append(settings, log[half:], seed=1)


async def wanted(settings: Settings, log: list) -> tables.Dump:
    return await tables.expected(
        settings.database, f"{settings.database_schema}_want", oracle.tables(log)
    )


async def rebuilt(settings: Settings, *words: str) -> str:
    """What the command said on stderr; the build is called so."""
    command = ("projections", "rebuild", "tables", "--into", "so", *words)
    done = await asyncio.to_thread(commands_run.run, settings, *command)
    assert done.returncode == 0, done.stderr
    return done.stderr


async def test_a_rebuild_until_an_hour_ago_holds_what_was_appended_before(
    settings: Settings, tmp_path: Path
) -> None:
    log = facts.log(131, chats=6, facts=400)
    await aged(settings, log)
    told = await rebuilt(settings, "--until", "1h ago")
    assert await rebuilding.dump(settings, "so") == await wanted(settings, log[:200])
    assert f"1h ago is {clock.now() - timedelta(hours=1):%Y-%m-%dT}" in told


async def test_a_rebuild_from_an_hour_ago_reads_only_what_was_appended_since(
    settings: Settings,
) -> None:
    await aged(settings, facts.log(132, chats=6, facts=400))
    topic = f"{settings.topic_prefix}.events.v1"
    build = await rebuilding.rebuild(settings, first="1h", until="2999-01-01")
    assert build.scope.until == await projecting.ends(settings, topic)
    assert sum(build.scope.first.values()) > 0
    assert all(build.scope.first[part] <= end for part, end in build.scope.until.items())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("noon", "'noon' is no time: write how long ago .* or offsets by partition"),
        ("20:00", "has the partitions 0 to 3, not 20. Write how long ago .* or offsets"),
    ],
)
async def test_what_is_neither_a_time_nor_offsets_of_the_log_is_refused(
    settings: Settings, text: str, told: str
) -> None:
    await projecting.prepare(settings)
    with pytest.raises(Refusal, match=told):
        await rebuilding.rebuild(settings, until=text)
