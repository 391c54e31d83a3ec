"""What is exported is what is in the log and the tables, whatever ended the export meanwhile."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pandas
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from chatfold import clock, database
from chatfold.cli.everything import app
from chatfold.settings import Settings
from projections.postgres import PostgresSink
from projections.registry import TABLES
from projections.sink import Move
from schemas import codec
from tests.support import archiving, commands_run, facts, projecting, servers

FACTS = 3000


def exported(settings: Settings, *words: str) -> list[dict]:
    env = servers.environment(settings)
    done = CliRunner().invoke(app, ["export", *words, "--json"], env=env)
    assert done.exit_code == 0, done.output
    return codec.loads(done.stdout.splitlines()[-1].encode())


async def filled(settings: Settings) -> str:
    log = facts.log(11, chats=30, facts=FACTS)
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log)
    pool = await database.open_pool(settings.database)
    sink = PostgresSink(pool, settings.database_schema, TABLES, reach=lambda _: None)
    await sink.write(sink.prepare(log), Move(topic=topic, partition=0, begin=None, end=len(log)))
    await pool.close()
    return topic


async def log_rows(settings: Settings, topic: str) -> Counter:
    found = await archiving.whole(settings, topic, None)
    return Counter(
        (number, record[0], record[3].decode())
        for number, records in found.items()
        for record in records
    )


def exported_rows(place: Path) -> Counter:
    query = f"SELECT partition, \"offset\", data FROM read_parquet('{place}/events/**/*.parquet')"
    return Counter(duckdb.sql(query).fetchall())


def asked(place: Path, query: str) -> list:
    files = f"read_parquet('{place}/events/**/*.parquet')"
    with duckdb.connect() as database_of_none:
        database_of_none.execute("SET TimeZone = 'UTC'")
        return database_of_none.sql(query.replace("FROM events", f"FROM {files}")).fetchall()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "export"


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_every_fact_is_exported_once_and_more_when_there_is_more(
    settings: Settings, place: Path, processes: str
) -> None:
    topic = await filled(settings)
    words = ("events", "--to", str(place), "--parallel", processes)
    first = await asyncio.to_thread(exported, settings, *words)
    assert first[0]["rows"] == first[0]["new_rows"]
    assert exported_rows(place) == await log_rows(settings, topic)
    await projecting.append(settings, facts.log(12, chats=9, facts=200), seed=3)
    (second,) = await asyncio.to_thread(exported, settings, *words)
    assert second["new_rows"] > 0
    assert second["rows"] == first[0]["rows"] + second["new_rows"]
    assert exported_rows(place) == await log_rows(settings, topic)


async def test_a_killed_export_goes_on_without_a_double(settings: Settings, place: Path) -> None:
    topic = await filled(settings)
    for what, point in (
        ("events", "export-announced"),
        ("events", "export-file-written"),
        ("events", "export-announced:2"),
        ("messages", "export-file-written"),
    ):
        words = ("export", what, "--to", str(place))
        done = await asyncio.to_thread(commands_run.run, settings, *words, CHATFOLD_FAILPOINT=point)
        assert done.returncode == -9, done.stdout + done.stderr
    await asyncio.to_thread(exported, settings, "events", "messages", "--to", str(place))
    assert exported_rows(place) == await log_rows(settings, topic)
    ids = duckdb.sql(
        f"SELECT message_id::uuid::text FROM read_parquet('{place}/messages/**/*.parquet')"
    )
    assert sorted(row[0] for row in ids.fetchall()) == await messages(settings)


async def test_only_the_rows_of_the_times_that_are_named_are_exported(
    settings: Settings, place: Path
) -> None:
    await filled(settings)
    await asyncio.to_thread(exported, settings, "events", "--to", str(place / "all"))
    moments = [row[0] for row in asked(place / "all", "SELECT time FROM events ORDER BY 1")]
    since, until = moments[len(moments) // 3], moments[2 * len(moments) // 3]
    words = ("events", "--to", str(place / "part"), "--since", since.isoformat())
    await asyncio.to_thread(exported, settings, *words, "--until", until.isoformat())
    part = [row[0] for row in asked(place / "part", "SELECT time FROM events ORDER BY 1")]
    assert part == [one for one in moments if since <= one < until]
    assert 0 < len(part) < len(moments)


async def test_how_long_ago_stays_that_of_the_beginning(settings: Settings, place: Path) -> None:
    await filled(settings)
    words = ("events", "--to", str(place), "--until", "0s ago")
    (first,) = await asyncio.to_thread(exported, settings, *words)
    later = [replace(one, time=clock.now()) for one in facts.log(13, chats=5, facts=50)]
    await projecting.append(settings, later, seed=4)
    (second,) = await asyncio.to_thread(exported, settings, *words)
    assert first["rows"] == second["rows"] > 0
    (third,) = await asyncio.to_thread(exported, settings, *words, "--again")
    assert third["rows"] == first["rows"] + len(later)


async def test_an_export_of_an_older_chatfold_is_gone_on_with(
    settings: Settings, place: Path
) -> None:
    topic = await filled(settings)
    await asyncio.to_thread(exported, settings, "events", "--to", str(place))
    state = place / "_export" / "events.json"
    parts = {file.stem: codec.loads(file.read_bytes()) for file in state.parent.glob("events/*")}
    shutil.rmtree(state.parent / "events")
    old = {
        "version": 1,
        "choice": codec.loads(state.read_bytes())["choice"],
        "positions": {number: part["position"] for number, part in parts.items()},
        "open": [],
        "rows": sum(part["rows"] for part in parts.values()),
        "files": sum(part["files"] for part in parts.values()),
        "finished": True,
    }
    state.write_bytes(codec.dumps(old))
    await projecting.append(settings, facts.log(12, chats=9, facts=200), seed=3)
    (done,) = await asyncio.to_thread(exported, settings, "events", "--to", str(place))
    wanted = await log_rows(settings, topic)
    assert exported_rows(place) == wanted
    assert (done["rows"], 0 < done["new_rows"] < done["rows"]) == (wanted.total(), True)


async def test_pandas_and_duckdb_read_it_as_it_is(settings: Settings, place: Path) -> None:
    await filled(settings)
    await asyncio.to_thread(exported, settings, "messages", "chats", "--to", str(place))
    frame = pandas.read_parquet(place / "messages")
    assert sorted(frame["message_id"]) == await messages(settings)
    assert set(frame["tenant"]) == set(frame["tenant_id"])
    assert (frame["created_at"].dt.strftime("%Y-%m-%d") == frame["day"].astype(str)).all()
    names = duckdb.sql(f"SELECT * FROM read_parquet('{place}/chats/**/*.parquet')").columns
    assert {"tenant", "day", "chat_id", "last_seq"} <= set(names)


async def test_lines_of_json_hold_the_same_facts(settings: Settings, place: Path) -> None:
    topic = await filled(settings)
    words = ("events", "--to", str(place), "--format", "jsonl")
    await asyncio.to_thread(exported, settings, *words)
    files = sorted(place.glob("events/**/*.jsonl.gz"))
    frames = [pandas.read_json(file, lines=True) for file in files]
    wanted = await log_rows(settings, topic)
    assert sum(map(len, frames)) == wanted.total()
    assert all(isinstance(data, dict) for data in frames[0]["data"])


async def test_what_kafka_no_longer_has_is_exported_from_the_archive(
    settings: Settings, place: Path
) -> None:
    topic = await filled(settings)
    wanted = await log_rows(settings, topic)
    async with archiving.archiving(settings):
        await archiving.archived(settings, topic)
    await archiving.truncate(settings, topic, share=1)
    await asyncio.to_thread(exported, settings, "events", "--to", str(place))
    assert exported_rows(place) == wanted


async def test_an_export_does_not_go_on_as_another(settings: Settings, place: Path) -> None:
    await filled(settings)
    await asyncio.to_thread(exported, settings, "events", "--to", str(place))
    words = ("export", "events", "--to", str(place))
    done = await asyncio.to_thread(commands_run.run, settings, *words, "--tenant", "acme")
    assert done.returncode == 2
    assert "--again" in done.stderr
    done = await asyncio.to_thread(
        commands_run.run, settings, *words, "--tenant", "acme", "--again"
    )
    assert done.returncode == 0, done.stderr
    tenants = {file.parent.parent.name for file in place.glob("events/*/*/*.parquet")}
    assert tenants <= {"tenant=acme"}


async def messages(settings: Settings) -> list[str]:
    connection = await database.connect(settings.database)
    try:
        rows = await connection.fetch(
            f"SELECT message_id::text FROM {settings.database_schema}.messages ORDER BY 1"
        )
        return [row[0] for row in rows]
    finally:
        await connection.close()
