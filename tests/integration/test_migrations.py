"""Migrations on a real PostgreSQL: in order, once, whole, and never against the log of them."""

import asyncio
from dataclasses import dataclass, replace

import pytest
from typer.testing import CliRunner

from chatfold import database, migrate
from chatfold.cli import migrate as command
from chatfold.migrate import Migration, MigrationRefused
from chatfold.operations.words import JobStatus
from chatfold.settings import Settings
from projections import rows, tables
from schemas import codec
from schemas.content import MessageKind, Origin, Platform, SendOutcome
from tests.support import schema_dump, servers

FIRST = Migration("0001", "first", "CREATE TABLE one (id int); INSERT INTO one VALUES (1);")
SECOND = Migration("0002", "second", "CREATE TABLE two (id int);")
BROKEN = Migration("0003", "broken", "CREATE TABLE three (id int); SELECT no_such_thing;")


@dataclass
class Place:
    """A schema of one test."""

    url: str
    schema: str

    async def migrate(self, *known: Migration) -> list[str]:
        done = await migrate.migrate(self.url, self.schema, known or None)
        return [one.version for one in done]

    async def run(self, statement: str, *values: object) -> list:
        connection = await database.connect(self.url)
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL search_path TO {self.schema}")
                if values or statement.startswith(("SELECT", "WITH")):
                    return await connection.fetch(statement, *values)
                await connection.execute(statement)
                return []
        finally:
            await connection.close()

    async def tables(self) -> set[str]:
        found = await self.run("SELECT tablename FROM pg_tables WHERE schemaname = $1", self.schema)
        return {row["tablename"] for row in found}


@pytest.fixture
def place(settings: Settings) -> Place:
    return Place(settings.database, settings.database_schema)


async def test_what_is_missing_is_applied_in_order_and_once(place: Place) -> None:
    assert await place.migrate(FIRST) == ["0001"]
    assert await place.migrate(FIRST, SECOND) == ["0002"]
    assert await place.migrate(FIRST, SECOND) == []
    assert await place.tables() == {"one", "two", "schema_migrations"}


async def test_instances_that_start_at_once_apply_each_migration_once(place: Place) -> None:
    done = await asyncio.gather(*(place.migrate(FIRST, SECOND) for _ in range(8)))
    assert sorted(version for versions in done for version in versions) == ["0001", "0002"]
    assert len(await place.run("SELECT * FROM one")) == 1


async def test_a_migration_that_fails_leaves_nothing_and_those_before_it_stay(
    place: Place,
) -> None:
    with pytest.raises(MigrationRefused, match=r"0003 \(broken\) failed and left nothing"):
        await place.migrate(FIRST, SECOND, BROKEN)
    assert await place.tables() == {"one", "two", "schema_migrations"}


async def test_a_migration_changed_after_it_was_applied_is_refused(place: Place) -> None:
    await place.migrate(FIRST)
    changed = replace(FIRST, sql=FIRST.sql + " -- better")
    with pytest.raises(MigrationRefused, match=r"0001 .* was changed after it was applied"):
        await place.migrate(changed, SECOND)
    assert "two" not in await place.tables()


async def test_a_schema_of_a_newer_version_is_refused(place: Place) -> None:
    await place.migrate(FIRST, SECOND)
    with pytest.raises(MigrationRefused, match=r"0002 .* by a newer version of Chatfold: upgrade"):
        await place.migrate(FIRST)


async def test_verify_says_what_to_do(place: Place) -> None:
    (problem,) = await migrate.verify(place.url, place.schema)
    assert problem.endswith("run `chatfold migrate up`.")
    await place.migrate()
    assert await migrate.verify(place.url, place.schema) == []
    await place.run("UPDATE schema_migrations SET checksum = 'other' WHERE version = '0001'")
    (problem,) = await migrate.verify(place.url, place.schema)
    assert "was changed after it was applied" in problem


async def test_schema_sql_is_the_sum_of_the_migrations(place: Place) -> None:
    await place.migrate()
    written = schema_dump.FILE.read_text()
    assert schema_dump.dump(place.url, place.schema) == written, (
        "run `python -m tests.support.schema_dump` after a new migration"
    )
    other = Place(place.url, f"{place.schema}_other")
    await other.run(f"CREATE SCHEMA {other.schema}")
    await other.run(written)
    assert schema_dump.dump(other.url, other.schema) == written


async def test_schemas_stand_side_by_side_and_can_be_renamed_with_all_that_is_in_them(
    place: Place,
) -> None:
    older = Place(place.url, f"{place.schema}_v7")
    for one in (place, older):
        await one.migrate()
        await one.run(
            "INSERT INTO processed_events VALUES ('t', 'm', 'message',"
            " '00000000-0000-0000-0000-000000000001', 'replied', now() - interval '9 days', 1)"
        )
    await place.run(f"ALTER SCHEMA {older.schema} RENAME TO {older.schema}_old")
    renamed = Place(place.url, f"{older.schema}_old")
    (gone,) = await renamed.run("SELECT cleanup_old_processed_events(7)")
    assert gone[0] == 1
    assert len(await place.run("SELECT * FROM processed_events")) == 1
    assert len(await renamed.run("SELECT * FROM processed_events")) == 0
    assert len(await renamed.run("SELECT * FROM table_sizes")) == len(await renamed.tables())


async def test_the_databases_types_are_the_programs_closed_sets(place: Place) -> None:
    await place.migrate()
    for name, kind in {
        "platform": Platform,
        "origin": Origin,
        "message_kind": MessageKind,
        "send_outcome": SendOutcome,
        "job_status": JobStatus,
    }.items():
        assert await labels(place, name) == [str(one) for one in kind], name
    assert await labels(place, "delivery_status") == list(rows.DELIVERY)


async def test_the_tables_have_the_columns_that_projections_write(place: Place) -> None:
    await place.migrate()
    found = await place.run(
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) AS kind, a.attnotnull"
        " FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = $1::regnamespace AND a.attnum > 0",
        place.schema,
    )
    there = {(row["relname"], row["attname"]): row["kind"] for row in found}
    written = [one for one in vars(tables).values() if isinstance(one, tables.Table)]
    assert len(written) == 11
    for table in written:
        for name, kind in (*table.key.items(), *table.columns.items()):
            spelled = {"timestamptz": "timestamp with time zone"}.get(kind, kind)
            assert there[table.name, name] == spelled, (table.name, name)
        assert (table.name, "last_seq") in there


async def labels(place: Place, name: str) -> list[str]:
    found = await place.run(
        "SELECT e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid"
        " WHERE t.typname = $1 AND t.typnamespace = $2::regnamespace ORDER BY e.enumsortorder",
        name,
        place.schema,
    )
    return [row["enumlabel"] for row in found]


async def test_the_commands_tell_scripts_how_it_stands(place: Place, settings: Settings) -> None:
    def run(*arguments: str) -> tuple[int, dict]:
        env = servers.environment(settings)
        done = CliRunner().invoke(command.app, [*arguments, "--json"], env=env)
        return done.exit_code, codec.loads(done.stdout.encode()) if done.stdout else {}

    def states(told: dict) -> set[str]:
        return {one["state"] for one in told["migrations"]}

    versions = [one.version for one in migrate.available()]
    code, told = await asyncio.to_thread(run, "status")
    assert (code, states(told)) == (1, {"missing"})
    assert await asyncio.to_thread(run, "up") == (0, {"applied": versions})
    assert await asyncio.to_thread(run, "up") == (0, {"applied": []})
    code, told = await asyncio.to_thread(run, "status")
    assert (code, states(told), told["problems"]) == (0, {"applied"}, [])
    await place.run(
        "INSERT INTO schema_migrations (version, name, checksum) VALUES ('9999', 'later', 'x')"
    )
    code, told = await asyncio.to_thread(run, "status")
    assert (code, states(told)) == (2, {"applied", "unknown"})
    assert (await asyncio.to_thread(run, "up"))[0] == 2


def test_a_database_that_is_away_is_one_sentence() -> None:
    away = {"DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:1/none"}
    done = CliRunner().invoke(command.app, ["up"], env=away)
    assert done.exit_code == 2
    assert "see DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr
