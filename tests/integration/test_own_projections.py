"""Own projections on real servers: exact under batches, crashes, repeats and several writers."""

import asyncio
from pathlib import Path

import pytest

from chatfold import database, own_projections
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.examples import daily_messages, response_times
from projections.in_memory import MemoryTables
from projections.postgres import PostgresSink
from projections.registry import TABLES, Projection
from projections.sink import Fenced, Move, ProjectionRefused
from schemas.envelope import Recorded
from schemas.facts import Fact
from tests.support import facts, poison, projecting, scaffolded
from tests.support.poison import Grave

EXAMPLES = tuple(map(own_projections.projection, (daily_messages, response_times)))


def wanted(projection: Projection, log: list[Recorded[Fact]], table: str) -> list[tuple]:
    tables = MemoryTables(projection.tables)
    for recorded in log:
        tables.apply(projection.evolve(recorded))
    return sorted(tuple(_plain(v) for v in row.values()) for row in tables.of(table))


async def found(settings: Settings, projection: Projection, name: str) -> list[tuple]:
    (table,) = (one for one in projection.tables if one.name == name)
    columns = ", ".join(f"{column}" for column in (*table.key, *table.columns))
    connection = await database.connect(settings.database)
    try:
        rows = await connection.fetch(f"SELECT {columns} FROM {settings.database_schema}.{name}")
    finally:
        await connection.close()
    return sorted(tuple(_plain(value) for value in row.values()) for row in rows)


def _plain(value: object) -> str:
    return "0" if value is None else str(value)


@pytest.mark.parametrize("projection", EXAMPLES, ids=lambda one: one.name)
async def test_rows_are_the_fold_of_the_log_while_projectors_come_and_go(
    settings: Settings, projection: Projection
) -> None:
    log = facts.log(41, chats=25, facts=3000)
    await projecting.prepare(settings)
    async with projecting.consuming(settings, projection):
        await projecting.append(settings, log[:1000])
        async with projecting.consuming(settings, projection):
            await projecting.append(settings, log[1000:], seed=1)
            await projecting.caught_up(settings, projection=projection)
    for table in projection.tables:
        rows = await found(settings, projection, table.name)
        assert rows == wanted(projection, log, table.name)


async def test_a_repeat_of_a_batch_adds_nothing(settings: Settings) -> None:
    (daily, _) = EXAMPLES
    log = facts.log(42, chats=5, facts=400)
    topic = await projecting.prepare(settings)
    pool = await database.open_pool(settings.database)
    sink = PostgresSink(pool, settings.database_schema, daily, reach=lambda _: None)
    await sink.start()
    move = Move(topic=topic, partition=0, begin=None, end=400)
    ended = await asyncio.gather(
        *(sink.write(sink.prepare(log), move) for _ in range(4)), return_exceptions=True
    )
    await pool.close()
    assert [type(one) for one in ended if one] == [Fenced] * 3
    assert await found(settings, daily, "daily_messages") == wanted(daily, log, "daily_messages")


async def test_partitions_that_share_rows_write_them_at_once(settings: Settings) -> None:
    (daily, _) = EXAMPLES
    log = facts.log(43, chats=8, facts=1600)
    topic = await projecting.prepare(settings)
    pool = await database.open_pool(settings.database)
    sink = PostgresSink(pool, settings.database_schema, daily, reach=lambda _: None)
    await sink.start()

    async def follow(partition: int) -> None:
        part = log[partition::4]
        for start in range(0, len(part), 20):
            move = Move(topic=topic, partition=partition, begin=start or None, end=start + 20)
            await sink.write(sink.prepare(part[start : start + 20]), move)

    await asyncio.gather(*map(follow, range(4)))
    await pool.close()
    assert await found(settings, daily, "daily_messages") == wanted(daily, log, "daily_messages")


async def test_facts_that_waited_are_counted_once(settings: Settings) -> None:
    (daily, _) = EXAMPLES
    log = facts.log(44, chats=4, facts=400)
    victim = [one for one in log if daily.evolve(one)][50]
    broken = poison.unfoldable(lambda fact_id: fact_id == victim.id, daily)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.consuming(settings, broken, Grave().bury):
        await projecting.caught_up(settings, projection=broken)
    assert await found(settings, daily, "daily_messages") != wanted(daily, log, "daily_messages")
    await poison.redrive(settings, daily)
    await poison.redrive(settings, daily)
    assert await found(settings, daily, "daily_messages") == wanted(daily, log, "daily_messages")


async def test_a_table_of_another_shape_is_refused_and_says_what_lacks(settings: Settings) -> None:
    (daily, _) = EXAMPLES
    await projecting.prepare(settings)
    pool = await database.open_pool(settings.database)
    async with pool.acquire() as connection:
        await connection.execute(
            f"CREATE TABLE {settings.database_schema}.daily_messages (tenant_id text, day date)"
        )
    sink = PostgresSink(pool, settings.database_schema, daily, reach=lambda _: None)
    with pytest.raises(ProjectionRefused, match="lacks kind, received, sent"):
        await sink.start()
    await pool.close()


def test_examples_run_only_where_they_are_named() -> None:
    assert own_projections.found("*") == []
    names = [one.name for one in own_projections.found("daily_messages, response_times")]
    assert names == ["daily_messages", "response_times"]
    with pytest.raises(Refusal, match="no projection weather"):
        own_projections.found("weather")


def test_a_table_has_one_writer() -> None:
    class Thief:
        NAME, VERSION, HANDLES, SQL = "thief", 1, frozenset(), ""
        TABLES = TABLES.tables[:1]

        @staticmethod
        def apply(_recorded: object) -> tuple:
            return ()

    with pytest.raises(Refusal, match="both write chats"):
        own_projections._refuse_clashes([own_projections.projection(Thief)])


async def test_an_installed_package_is_found_and_followed(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(scaffolded.write("weather", tmp_path)))
    (weather,) = own_projections.found("*")
    log = facts.log(45, chats=4, facts=300)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.consuming(settings, weather):
        await projecting.caught_up(settings, projection=weather)
    assert await found(settings, weather, "weather") == wanted(weather, log, "weather") != []
