"""Old messages leave their table and are found all the same, whatever ends the move."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from chatfold import clock, database
from chatfold.cli.everything import app
from chatfold.export import old_messages
from chatfold.settings import Settings
from projections.postgres import PostgresSink
from projections.registry import TABLES
from projections.sink import Move
from schemas import codec
from tests.support import commands_run, facts, projecting, servers

ALL = "SELECT message_id, text_content, created_at, last_seq, is_archived FROM messages ORDER BY 1"


async def told(settings: Settings, *words: str) -> object:
    env = servers.environment(settings)
    done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"], env=env)
    assert done.exit_code == 0, done.output
    return codec.loads(done.stdout.encode())


async def filled(settings: Settings, seed: int = 31) -> list:
    log = facts.log(seed, chats=25, facts=2500)
    topic = await projecting.prepare(settings)
    await fold(settings, topic, log)
    return log


async def fold(settings: Settings, topic: str, log: list) -> None:
    pool = await database.open_pool(settings.database)
    sink = PostgresSink(pool, settings.database_schema, TABLES, reach=lambda _: None)
    position = await sink.position(topic, 0)
    move = Move(topic=topic, partition=0, begin=position, end=(position or 0) + len(log))
    await sink.write(sink.prepare(log), move)
    await pool.close()


async def asked(settings: Settings, query: str) -> list:
    connection = await database.connect(settings.database)
    try:
        rows = await connection.fetch(query.replace("FROM ", f"FROM {settings.database_schema}."))
        return [tuple(row) for row in rows]
    finally:
        await connection.close()


async def everything(settings: Settings) -> list[dict]:
    found = await told(settings, "query", ALL)
    assert isinstance(found, list)
    return found


def without_place(found: list[dict]) -> list[dict]:
    return [{k: v for k, v in one.items() if k != "is_archived"} for one in found]


async def test_old_messages_leave_the_table_and_are_found_by_query(settings: Settings) -> None:
    await filled(settings)
    before = await everything(settings)
    counts = "SELECT conversation_id, message_count FROM conversations ORDER BY 1"
    counted = await asked(settings, counts)
    moved = await told(settings, "archive", "messages", "--older-than", "1d")
    after = await everything(settings)
    assert without_place(after) == without_place(before)
    archived = sum(one["is_archived"] for one in after)
    assert archived == moved["messages"] > 100
    live = await asked(settings, "SELECT count(*) FROM messages")
    assert live == [(len(before) - archived,)]
    assert await asked(settings, counts) == counted


async def test_moving_again_changes_nothing(settings: Settings) -> None:
    await filled(settings)
    await told(settings, "archive", "messages", "--older-than", "1d")
    before = await everything(settings)
    again = await told(settings, "archive", "messages", "--older-than", "1d")
    assert again["messages"] == 0
    assert await everything(settings) == before


async def test_a_reply_that_waits_for_somebody_stays(settings: Settings) -> None:
    await filled(settings)
    waiting = "SELECT reply_id::text FROM delivery_attempts WHERE waiting_for IS NOT NULL"
    wanted = {row[0] for row in await asked(settings, waiting)}
    await told(settings, "archive", "messages", "--older-than", "1d")
    live = {row[0] for row in await asked(settings, "SELECT message_id::text FROM messages")}
    archived = {one["message_id"] for one in await everything(settings) if one["is_archived"]}
    assert wanted
    assert not wanted & archived
    assert wanted <= live


async def test_what_comes_later_of_a_day_joins_what_is_archived_of_it(settings: Settings) -> None:
    await filled(settings)
    before = without_place(await everything(settings))
    await told(settings, "archive", "messages", "--older-than", "1d")
    first = archived_ids(settings.home)
    connection = await database.connect(settings.database)
    schema = settings.database_schema
    await connection.execute(f"UPDATE {schema}.delivery_attempts SET waiting_for = NULL")
    await connection.close()
    again = await told(settings, "archive", "messages", "--older-than", "1d")
    assert again["messages"] > 0
    assert len(archived_ids(settings.home)) == len(first) + again["messages"]
    assert without_place(await everything(settings)) == before


@pytest.mark.parametrize(
    "point", ["messages-file-written:2", "messages-deleted:2", "messages-moved:2"]
)
async def test_a_move_that_is_killed_loses_and_doubles_nothing(
    settings: Settings, point: str
) -> None:
    await filled(settings)
    before = without_place(await everything(settings))
    words = ("archive", "messages", "--older-than", "1d")
    killed = await asyncio.to_thread(commands_run.run, settings, *words, CHATFOLD_FAILPOINT=point)
    assert killed.returncode == -9, killed.stderr
    assert without_place(await everything(settings)) == before
    await told(settings, *words)
    assert without_place(await everything(settings)) == before
    assert archived_ids(settings.home) == sorted(
        one["message_id"] for one in await everything(settings) if one["is_archived"]
    )


async def test_rows_that_a_rebuild_brings_back_are_moved_again_without_a_double(
    settings: Settings,
) -> None:
    log = await filled(settings)
    await told(settings, "archive", "messages", "--older-than", "1d")
    first = archived_ids(settings.home)
    connection = await database.connect(settings.database)
    await connection.execute(f"TRUNCATE {settings.database_schema}.messages")
    await connection.close()
    await fold(settings, f"{settings.topic_prefix}.events.v1", log)
    await told(settings, "archive", "messages", "--older-than", "1d")
    assert archived_ids(settings.home) == first


async def test_a_row_that_changes_meanwhile_is_moved_as_it_is_then(settings: Settings) -> None:
    await filled(settings)
    connection = await database.connect(settings.database)
    other = await database.connect(settings.database)
    changed = asyncio.Event()

    def change(point: str) -> None:
        if point == "messages-file-written":
            changed.set()

    moving = old_messages.Moving(
        connection=connection,
        schema=settings.database_schema,
        storage=commands_run.archive(settings),
        cutoff=old_messages.cutoff(clock.now() - timedelta(days=1)),
        reach=change,
    )
    day, *_ = await moving.days(None)
    schema = settings.database_schema
    async with other.transaction():
        row = await other.fetchrow(
            f"UPDATE {schema}.messages SET text_content = 'changed' WHERE message_id ="
            f" (SELECT message_id FROM {schema}.messages WHERE tenant_id = $1"
            " AND (created_at AT TIME ZONE 'UTC')::date = $2"
            " AND delivery_status IS DISTINCT FROM 'pending' AND message_id NOT IN"
            f" (SELECT reply_id FROM {schema}.delivery_attempts WHERE waiting_for IS NOT NULL)"
            " LIMIT 1) RETURNING message_id::text",
            day.tenant,
            day.day,
        )
        task = asyncio.ensure_future(anext(moving.move([day])))
        await changed.wait()  # it has read the row as it was
    await task
    await connection.close()
    await other.close()
    kept = pyarrow.parquet.ParquetFile(settings.home / "archive" / day.key).read().to_pylist()
    assert {one["message_id"]: one["text_content"] for one in kept}[row[0]] == "changed"


def test_days_are_moved_whole() -> None:
    now = datetime(2026, 5, 10, 17, 30, tzinfo=UTC)
    assert old_messages.cutoff(now) == datetime(2026, 5, 10, tzinfo=UTC)


def archived_ids(home: Path) -> list[str]:
    """Every id in the files, as often as it is there."""
    files = (home / "archive" / "messages").glob("**/*.parquet")
    return sorted(
        one["message_id"]
        for file in files
        for one in pyarrow.parquet.ParquetFile(file).read(columns=["message_id"]).to_pylist()
    )
