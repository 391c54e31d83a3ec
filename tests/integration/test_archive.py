"""The archive on a real Kafka: nothing is missing from it, nothing is in it twice."""

import asyncio
import itertools

import pytest
from aiokafka import TopicPartition
from typer.testing import CliRunner

from chatfold.archive import Index, LogConsumer, PositionLost
from chatfold.archive.segments import Damaged
from chatfold.cli import archive as archive_command
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas import codec
from tests.support import archiving, facts, projecting, roles, servers


async def spans_meet(archive: Index, topic: str, number: int) -> int:
    """How many segments a partition has, each of which begins where the one before ends."""
    entries = [one async for one in archive.entries(topic, number)]
    for one, following in itertools.pairwise(entries):
        assert one.end == following.begin
    for one in entries:
        records = await archive.records(one)
        assert (records[0].offset, records[-1].offset) == (one.first, one.last)
        assert len(records) == one.count
    return len(entries)


async def filled(settings: Settings, *, seed: int = 0, count: int = 1500) -> str:
    topic = await projecting.prepare(settings)
    await projecting.append(settings, facts.log(seed, chats=20, facts=count), seed=seed)
    return topic


async def test_what_was_archived_and_truncated_is_read_as_it_was(settings: Settings) -> None:
    topic = await filled(settings)
    before = await archiving.whole(settings, topic, None)
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    await archiving.truncate(settings, topic, share=1)
    assert await archiving.whole(settings, topic, archiving.index(settings)) == before
    assert await spans_meet(archiving.index(settings), topic, 0) > 1


async def test_the_archive_and_the_tail_in_kafka_make_the_whole_log(settings: Settings) -> None:
    topic = await filled(settings)
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    await projecting.append(settings, facts.log(7, chats=20, facts=500), seed=9)
    before = await archiving.whole(settings, topic, None)
    await archiving.truncate(settings, topic, share=0.5)
    assert await archiving.whole(settings, topic, archiving.index(settings)) == before


async def test_a_moment_is_found_in_the_archive_as_it_was_in_kafka(settings: Settings) -> None:
    topic = await filled(settings)
    before = await archiving.whole(settings, topic, None)
    moments = [records[len(records) // 2][1] for records in before.values()]
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    places = [TopicPartition(topic, number) for number in before]
    asked = dict(zip(places, moments, strict=True))
    in_kafka = await found_since(settings, None, asked)
    await archiving.truncate(settings, topic, share=1)
    assert await found_since(settings, archiving.index(settings), asked) == in_kafka
    assert set((await found_since(settings, None, asked)).values()) == {None}


async def found_since(
    settings: Settings, archive: Index | None, asked: dict[TopicPartition, int]
) -> dict:
    consumer = LogConsumer(settings.bootstrap, archive)
    try:
        await consumer.start()
        return await consumer.offsets_for_times(asked)
    finally:
        await consumer.stop()


async def test_a_position_that_neither_holds_is_an_error_with_the_way_out(
    settings: Settings,
) -> None:
    topic = await filled(settings)
    ends = await projecting.ends(settings, topic)
    await archiving.truncate(settings, topic, share=0.5)
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    await archiving.truncate(settings, topic, share=1)
    async with archiving.archive_reading.opened(
        settings.bootstrap, archiving.index(settings)
    ) as log:
        with pytest.raises(PositionLost, match=r"from 0 to \d+: .*CHATFOLD_ARCHIVE_URL"):
            async for _ in log.read(topic, 0, begin=0, end=ends[0]):
                pass


async def test_a_segment_that_was_changed_is_not_believed(settings: Settings) -> None:
    topic = await filled(settings)
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    archive = archiving.index(settings)
    entry = await archive.first(topic, 0)
    assert entry is not None
    whole = await archive.storage.get(entry.key)
    assert whole is not None
    await archive.storage.put(entry.key, whole[:-1] + b"\0")
    await archiving.truncate(settings, topic, share=1)
    with pytest.raises(Damaged, match="checksum"):
        await archiving.whole(settings, topic, archive)


async def test_records_that_expired_unarchived_stop_the_archiver(settings: Settings) -> None:
    topic = await filled(settings)
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    await projecting.append(settings, facts.log(3, chats=20, facts=900), seed=4)
    await archiving.truncate(settings, topic, share=1)
    with pytest.raises(Refusal, match="CHATFOLD_ARCHIVE_ACCEPT_GAP"):
        await archiving.role(settings).run(asyncio.Event())


async def test_two_archivers_that_come_and_go_leave_no_double(settings: Settings) -> None:
    topic = await filled(settings)
    async with archiving.archiving(settings):
        await projecting.append(settings, facts.log(5, chats=20, facts=800), seed=5)
        async with archiving.archiving(settings):
            await projecting.append(settings, facts.log(6, chats=20, facts=800), seed=6)
        await projecting.append(settings, facts.log(8, chats=20, facts=800), seed=8)
        await archiving.archived(settings, topic)
    before = await archiving.whole(settings, topic, None)
    for number in before:
        await spans_meet(archiving.index(settings), topic, number)
    await archiving.truncate(settings, topic, share=1)
    assert await archiving.whole(settings, topic, archiving.index(settings)) == before


async def test_an_archiver_killed_at_any_point_leaves_no_gap_and_no_double(
    settings: Settings, tmp_path
) -> None:
    topic = await filled(settings)
    before = await archiving.whole(settings, topic, None)
    few = {"CHATFOLD_ARCHIVE_SEGMENT_BYTES": "20000", "CHATFOLD_ARCHIVE_SEGMENT_SECONDS": "0.2"}
    points = ("archive-segment-written", "archive-index-written", "archive-segment-written:3")
    for number, point in enumerate(points):
        log = tmp_path / f"{number}.log"
        role = roles.Process("archiver", settings, log, CHATFOLD_FAILPOINT=point, **few)
        with roles.running(role):
            assert role.wait_ended() == -9, log.read_text()
    role = roles.Process("archiver", settings, tmp_path / "last.log", **few)
    with roles.running(role):
        await asyncio.to_thread(role.wait_ready)
        await archiving.archived(settings, topic)
    for number in before:
        await spans_meet(archiving.index(settings), topic, number)
    await archiving.truncate(settings, topic, share=1)
    assert await archiving.whole(settings, topic, archiving.index(settings)) == before


async def test_a_gap_that_was_accepted_is_still_not_stepped_over(settings: Settings) -> None:
    topic = await filled(settings)
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    await projecting.append(settings, facts.log(3, chats=20, facts=900), seed=4)
    lost = await projecting.ends(settings, topic)
    await archiving.truncate(settings, topic, share=1)
    await projecting.append(settings, facts.log(4, chats=20, facts=900), seed=5)
    async with archiving.archiving(settings, accept_gap=True):
        await reached(settings, topic, lost[0])
    with pytest.raises(PositionLost, match="in neither"):
        await archiving.whole(settings, topic, archiving.index(settings))


async def reached(settings: Settings, topic: str, offset: int) -> None:
    async with asyncio.timeout(60):
        while (last := await archiving.index(settings).last(topic, 0)) is None or (
            last.end <= offset
        ):
            await asyncio.sleep(0.05)


async def test_the_commands_tell_what_is_archived_and_find_what_is_damaged(
    settings: Settings,
) -> None:
    topic = await filled(settings)
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    before = await archiving.whole(settings, topic, None)
    told = {one["partition"]: one for one in codec.loads((await command(settings)).encode())}
    assert {number: told[number]["records"] for number in told} == {
        number: len(records) for number, records in before.items() if records
    }
    entry = await archiving.index(settings).first(topic, 0)
    assert entry is not None
    await archiving.index(settings).storage.delete(entry.key)
    assert "is in the index, but not in" in await command(settings, code=2)


async def command(settings: Settings, *, code: int = 0) -> str:
    env = servers.environment(settings)
    done = await asyncio.to_thread(
        CliRunner().invoke, archive_command.app, ["verify", "--json"], env=env
    )
    assert done.exit_code == code, done.output
    return done.stdout or done.stderr
