"""Rebuilds on a real Kafka and PostgreSQL: beside the live tables, equal to them, swapped in."""

import asyncio
import logging
import signal
from dataclasses import replace as with_changes
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from chatfold import clock, database
from chatfold.rebuilding import swap, targets, verify
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.registry import TABLES
from projections.sink import ProjectionRefused
from schemas import codec, upcasting
from schemas.envelope import Record
from tests.support import (
    archiving,
    commands_run,
    facts,
    golden,
    kafka,
    oracle,
    projecting,
    rebuilding,
    tables,
)
from tests.support.rebuilding import Command

GOLDEN = "c8d9109c1c39499a7cc5563db1af03f3afd91360915d5fb571b4f72b27365992"


async def wanted(settings: Settings, log: list) -> tables.Dump:
    schema = f"{settings.database_schema}_want"
    return await tables.expected(settings.database, schema, oracle.tables(log))


async def live(settings: Settings, log: list) -> None:
    """Tables that have followed the log to its end."""
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)


async def test_a_rebuild_is_equal_to_the_live_tables_at_the_same_offsets(
    settings: Settings,
) -> None:
    log = facts.log(101, chats=25, facts=3000)
    await live(settings, log)
    build = await rebuilding.rebuild(settings)
    assert (build.name, build.state) == ("v2", "ready")
    found = await rebuilding.diff(settings, "live", "v2", catches_up=False)
    assert found.is_exact
    assert found.is_equal
    assert await rebuilding.dump(settings, "v2") == await wanted(settings, log)


async def test_what_kafka_no_longer_has_is_rebuilt_from_the_archive_and_the_tail(
    settings: Settings,
) -> None:
    log = facts.log(115, chats=25, facts=3000)
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log[:2500])
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    await archiving.truncate(settings, topic, share=1)
    await projecting.append(settings, log[2500:], seed=1)
    await rebuilding.rebuild(settings, into="whole")
    assert await rebuilding.dump(settings, "whole") == await wanted(settings, log)


async def test_two_rebuilds_of_a_range_are_byte_equal(settings: Settings) -> None:
    log = facts.log(102, chats=12, facts=1200)
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log)
    ends = await projecting.ends(settings, topic)
    until = ",".join(f"{part}:{end // 2}" for part, end in ends.items())
    for name in ("one", "two"):
        await rebuilding.rebuild(settings, into=name, until=until)
    one, two = [await rebuilding.dump(settings, name) for name in ("one", "two")]
    assert one == two
    assert 0 < len(one["messages"]) < len((await wanted(settings, log))["messages"])


async def test_a_rebuild_of_one_tenant_holds_its_facts_and_cannot_be_promoted(
    settings: Settings,
) -> None:
    log = facts.log(103, chats=9, facts=600)
    await live(settings, log)
    build = await rebuilding.rebuild(settings, tenant="tenant-1")
    of_tenant = [one for one in log if one.tenant == "tenant-1"]
    assert await rebuilding.dump(settings, build.name) == await wanted(settings, of_tenant)
    with pytest.raises(ProjectionRefused, match="holds a part of the log only"):
        await rebuilding.promote(settings, build.name)


async def test_a_rebuild_until_a_time_is_the_state_as_of_that_moment(settings: Settings) -> None:
    log = facts.log(104, chats=6, facts=500)
    await live(settings, log[:300])
    await asyncio.sleep(0.01)
    moment = clock.now()
    await projecting.append(settings, log[300:], seed=1)
    build = await rebuilding.rebuild(settings, until=moment.isoformat())
    assert await rebuilding.dump(settings, build.name) == await wanted(settings, log[:300])


async def test_promotion_is_never_seen_by_readers_and_the_projector_goes_on(
    settings: Settings,
) -> None:
    log = facts.log(105, chats=25, facts=4000)
    await projecting.prepare(settings)
    await projecting.append(settings, log[:2000])
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
        async with rebuilding.watched(settings) as readers:
            appending = asyncio.create_task(projecting.append(settings, log[2000:], seed=1))
            await rebuilding.rebuild(settings)
            await rebuilding.promote(settings)
            await rebuilding.roll_back(settings)
            await appending
            await projecting.caught_up(settings)
        assert not [reader.shrunk for reader in readers if reader.shrunk]
        assert all(reader.looks > 5 for reader in readers)
    assert await rebuilding.dump(settings, "live") == await wanted(settings, log)


async def test_views_functions_rights_and_indexes_follow_to_the_new_tables(
    settings: Settings,
) -> None:
    log = facts.log(106, chats=6, facts=300)
    await live(settings, log)
    schema, role = settings.database_schema, f"{settings.database_schema}_analyst"
    own = f"{schema}_own"
    await rebuilding.run(
        settings,
        f"CREATE ROLE {role}",
        f"GRANT SELECT ON messages TO {role}",
        f"GRANT UPDATE (mode) ON sessions TO {role}",
        f"CREATE SCHEMA {own}",
        f"CREATE VIEW {own}.talk WITH (security_barrier = true) AS"
        " SELECT m.message_id, a.last_activity_at FROM messages m JOIN recent_activity a"
        " USING (chat_id)",
    )
    before = await shape(settings)
    await rebuilding.rebuild(settings)
    await rebuilding.promote(settings)
    assert await shape(settings) == before
    await rebuilding.run(settings, "DELETE FROM messages", "DELETE FROM chats")
    for query in (
        "SELECT count(*) FROM recent_activity",
        f"SELECT count(*) FROM {own}.talk",
        "SELECT count(*) FROM message_statistics",
        "SELECT count(surviving_chat(s.chat_id)) FROM sessions s",
    ):
        assert (await rebuilding.run(settings, query))[0][0] == 0, query
    assert (await rebuilding.run(settings, "SELECT count(*) FROM table_sizes"))[0][0] > 10
    options = "SELECT reloptions FROM pg_class WHERE oid = '{}'::regclass".format(f"{own}.talk")
    assert (await rebuilding.run(settings, options))[0][0] == ["security_barrier=true"]
    await rebuilding.run(
        settings, f"DROP SCHEMA {own} CASCADE", f"DROP OWNED BY {role}", f"DROP ROLE {role}"
    )


async def test_what_cannot_follow_is_named_and_nothing_is_changed(settings: Settings) -> None:
    await live(settings, facts.log(107, chats=3, facts=100))
    await rebuilding.run(
        settings, "CREATE MATERIALIZED VIEW frozen AS SELECT count(*) FROM messages"
    )
    await rebuilding.rebuild(settings)
    with pytest.raises(ProjectionRefused, match=r"materialized view .*frozen"):
        await rebuilding.promote(settings)
    assert (await rebuilding.run(settings, "SELECT count(*) FROM messages"))[0][0] > 0


async def test_a_reader_in_the_way_is_given_way_to_and_named(settings: Settings) -> None:
    await live(settings, facts.log(108, chats=3, facts=100))
    await rebuilding.rebuild(settings)
    connection = await database.connect(settings.database)
    holding = connection.transaction()
    await holding.start()
    await connection.execute(f"SELECT 1 FROM {settings.database_schema}.messages")
    async with targets.opened(settings, "tables") as target:
        with pytest.raises(ProjectionRefused, match="could not be promoted within"):
            await swap.promote(target, None, timedelta(seconds=1))
        assert await connection.fetchval(f"SELECT 1 FROM {settings.database_schema}.chats LIMIT 1")
        await holding.rollback()
        assert (await swap.promote(target, None, rebuilding.PATIENCE)).now == "v2"
    await connection.close()


async def test_an_old_snapshot_is_waited_for_because_it_would_see_an_empty_table(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "projections.promotion")
    await live(settings, facts.log(109, chats=3, facts=100))
    connection = await database.connect(settings.database)
    holding = connection.transaction(isolation="repeatable_read")
    await holding.start()
    await connection.fetchval("SELECT count(*) FROM pg_class")  # of none of our tables
    await rebuilding.rebuild(settings)
    promoting = asyncio.create_task(rebuilding.promote(settings))
    count = f"SELECT count(*) FROM {settings.database_schema}.messages"
    async with asyncio.timeout(60):
        while "transactions that began before are still open" not in caplog.text:
            assert not promoting.done()
            await asyncio.sleep(0.02)
    assert await connection.fetchval(count) > 0
    await holding.rollback()
    assert (await promoting).now == "v2"
    await connection.close()


async def test_a_rollback_brings_the_old_tables_up_to_what_readers_have_seen(
    settings: Settings,
) -> None:
    log = facts.log(110, chats=10, facts=900)
    await live(settings, log[:500])
    await rebuilding.rebuild(settings)
    await rebuilding.promote(settings)
    await projecting.append(settings, log[500:], seed=1)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
        done = await rebuilding.roll_back(settings)
        assert (done.now, done.before) == ("v1", "v2")
        await projecting.caught_up(settings)
    assert await rebuilding.dump(settings, "live") == await wanted(settings, log)
    assert (await rebuilding.diff(settings, "live", "v2")).is_equal


async def test_diff_brings_the_build_up_to_the_live_tables_and_marks_the_columns(
    settings: Settings,
) -> None:
    log = facts.log(111, chats=10, facts=900)
    await live(settings, log[:500])
    build = await rebuilding.rebuild(settings)
    await projecting.append(settings, log[500:], seed=1)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    apart = await rebuilding.diff(settings, "live", "v2", catches_up=False)
    assert not apart.is_exact
    assert not apart.is_equal
    assert (await rebuilding.diff(settings, "live", "v2")).is_equal
    schema = f"{settings.database_schema}_tables_{build.name}"
    await rebuilding.run(
        settings,
        f"UPDATE {schema}.messages SET text_content = 'other' WHERE message_id ="
        f" (SELECT min(message_id::text)::uuid FROM {schema}.messages)",
    )
    found = await rebuilding.diff(settings, "live", "v2")
    [table] = [one for one in found.tables if not one.is_equal]
    [row] = table.examples
    assert (table.table, table.ranges_that_differ, row.only_in) == ("messages", 1, None)
    assert row.columns["text_content"][1] == "other"
    assert set(row.columns) == {"text_content", "search"}


async def test_verify_finds_the_live_tables_right_and_a_forged_row_wrong(
    settings: Settings,
) -> None:
    await live(settings, facts.log(112, chats=10, facts=900))

    async def verified(percent: float = 100.0) -> list[verify.Verified]:
        async with targets.opened(settings, "tables") as target:
            sample = verify.Sample(percent=percent)
            return await verify.verify(target, "live", sample, limit=3, stop=asyncio.Event())

    right = await verified()
    assert {one.table: one.wrong for one in right} == dict.fromkeys(oracle.KEYS, 0)
    assert sum(one.rows for one in right) > sum(one.rows for one in await verified(50)) > 0
    await rebuilding.run(settings, "UPDATE conversations SET message_count = -1")
    wrong = {one.table: one for one in await verified()}["conversations"]
    assert wrong.wrong == wrong.rows > 0
    assert set(wrong.examples[0].columns) == {"message_count"}


async def test_rows_of_another_version_are_rebuilt_and_the_old_program_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = facts.log(113, chats=5, facts=400)
    await live(settings, log[:200])
    newer = with_changes(TABLES, version=TABLES.version + 1)
    monkeypatch.setattr(targets, "projections", lambda _: {"tables": newer})
    with pytest.raises(ProjectionRefused, match="chatfold projections rebuild tables"):
        async with projecting.consuming(settings, newer):
            await asyncio.Event().wait()
    with pytest.raises(ProjectionRefused, match=r"are of version \d+, this program makes"):
        await promoted_over_the_old_program(settings, log[200:])
    async with projecting.consuming(settings, newer):
        await projecting.caught_up(settings, projection=newer)
    assert await rebuilding.dump(settings, "live") == await wanted(settings, log)


async def promoted_over_the_old_program(settings: Settings, more: list) -> None:
    """Raises what ends the projector of the old program."""
    async with projecting.consuming(settings):
        await rebuilding.rebuild(settings)
        await rebuilding.promote(settings)
        await projecting.append(settings, more, seed=1)
        await asyncio.Event().wait()


async def test_a_log_that_has_lost_its_beginning_is_not_rebuilt_from_silently(
    settings: Settings,
) -> None:
    topic = await projecting.prepare(settings)
    await projecting.append(settings, facts.log(114, chats=3, facts=300))
    await projecting.truncate(settings, topic)
    with pytest.raises(ProjectionRefused, match=r"holds offsets [1-9]\d* to .*archive"):
        await rebuilding.rebuild(settings)


async def test_a_build_that_is_dropped_is_gone_and_the_live_one_cannot_be(
    settings: Settings,
) -> None:
    await live(settings, facts.log(115, chats=3, facts=100))
    await rebuilding.rebuild(settings, into="spare")
    async with targets.opened(settings, "tables") as target:
        assert await swap.drop(target, ["spare"]) == ["spare"]
        with pytest.raises(ProjectionRefused, match="There is no build spare"):
            await swap.drop(target, ["spare"])
        with pytest.raises(ProjectionRefused, match="is live"):
            await swap.drop(target, ["live"])
    left = "SELECT count(*) FROM pg_namespace WHERE nspname = '{}_tables_spare'"
    assert (await rebuilding.run(settings, left.format(settings.database_schema)))[0][0] == 0


async def test_the_command_shares_the_work_between_processes_and_tells_its_progress(
    settings: Settings, tmp_path: Path
) -> None:
    log = facts.log(116, chats=20, facts=3000)
    await live(settings, log)
    command = Command(settings, tmp_path / "log", "rebuild", "tables", "--parallel", "2")
    assert await command.wait() == 0, (tmp_path / "log").read_text()
    *progress, build = command.told
    assert build["state"] == "ready"
    assert progress[-1]["step"] == "ready"
    assert progress[-1]["ratio"] == 1.0
    assert progress[-1]["behind_live"] == 0
    assert (await rebuilding.diff(settings, "live", "v2")).is_equal


async def test_sigterm_stops_a_rebuild_which_goes_on_where_it_was(
    settings: Settings, tmp_path: Path
) -> None:
    log = facts.log(117, chats=10, facts=6000)
    await live(settings, log)
    slow = ("rebuild", "tables", "--throttle", "500")
    command = Command(settings, tmp_path / "one", *slow)
    async with asyncio.timeout(60):
        while not any(one.get("records") for one in command.told):
            await asyncio.sleep(0.05)
    assert await asyncio.to_thread(command.kill, signal.SIGTERM) == 1
    assert command.told[-1]["state"] == "filling"
    again = Command(settings, tmp_path / "two", "rebuild", "tables")
    assert await again.wait() == 0, (tmp_path / "two").read_text()
    assert again.told[0]["records"] > 0
    assert again.told[-1]["name"] == "v2"
    assert (await rebuilding.diff(settings, "live", "v2")).is_equal


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "before_commit:2"])
async def test_a_rebuild_killed_between_any_two_steps_writes_every_fact_once(
    settings: Settings, point: str
) -> None:
    log = facts.log(118, chats=25, facts=3000)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    words = ("projections", "rebuild", "tables", "--into", "ended")
    killed = await asyncio.to_thread(
        commands_run.run, settings, *words, CHATFOLD_FAILPOINT=f"projector.{point}"
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = await asyncio.to_thread(commands_run.run, settings, *words)
    assert again.returncode == 0, again.stderr
    assert await rebuilding.dump(settings, "ended") == await wanted(settings, log)


async def test_a_platform_id_claimed_twice_is_the_first_ones_in_a_rebuild_too(
    settings: Settings,
) -> None:
    await live(settings, [*facts.collision(), *facts.log(119, chats=9, facts=600)])
    await rebuilding.rebuild(settings)
    assert (await rebuilding.diff(settings, "live", "v2")).is_equal


async def test_an_unknown_projection_is_refused_with_those_there_are(settings: Settings) -> None:
    with pytest.raises(Refusal, match="no projection nonsense; there are: tables"):
        async with targets.opened(settings, "nonsense"):
            pass


async def shape(settings: Settings) -> dict:
    """Indexes, constraints, storage and rights of the live tables."""
    rows = await rebuilding.run(
        settings,
        """
        SELECT c.relname, c.reloptions, c.relacl::text,
               (SELECT array_agg(d.told ORDER BY d.told)
                FROM pg_index i CROSS JOIN LATERAL (SELECT pg_get_indexdef(i.indexrelid)) d (told)
                WHERE i.indrelid = c.oid) AS indexes,
               (SELECT array_agg(k.conname || pg_get_constraintdef(k.oid) ORDER BY k.conname)
                FROM pg_constraint k WHERE k.conrelid = c.oid) AS constraints,
               (SELECT array_agg(a.attname || format_type(a.atttypid, a.atttypmod) || a.attnotnull
                                 || coalesce(a.attacl::text, '') ORDER BY a.attname)
                FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                  AND NOT a.attisdropped) AS columns
        FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
        ORDER BY c.relname
        """,
    )
    return {(row["relname"], name): value for row in rows for name, value in row.items()}


async def test_a_log_of_every_fact_ever_published_rebuilds_to_the_rows_it_always_did(
    settings: Settings,
) -> None:
    """When a fact is added, or a projection makes other rows of one and has another version,
    look at the rows and pin their hash anew."""
    topic = await projecting.prepare(settings)
    await kafka.produce(settings, topic, golden_log())
    build = await rebuilding.rebuild(settings)
    found = await rebuilding.dump(settings, build.name)
    told = "\n".join(f"{table}: {row}" for table, rows in found.items() for row in rows)
    assert sha256(told.encode()).hexdigest() == GOLDEN, told


def golden_log() -> list[Record]:
    """Every fact's golden record, the older versions first, in one chat."""
    names = [*sorted(upcasting.OLDER), *codec.FACTS]
    facts_only = [name for name in names if name in codec.FACTS or is_older_fact(name)]
    records = [golden.read(name) for name in facts_only]
    return [numbered(record, number) for number, record in enumerate(records, 1)]


def is_older_fact(name: str) -> bool:
    """Whether a newer version of it is a fact."""
    return any(known.partition(".")[0] == name.partition(".")[0] for known in codec.FACTS)


def numbered(record: Record, number: int) -> Record:
    headers = [pair for pair in record.headers if pair[0] != "ce_sequence"]
    return Record(record.key, record.value, [*headers, ("ce_sequence", b"%d" % number)])
