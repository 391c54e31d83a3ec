"""The ledger on a real PostgreSQL: claims are given once, the first result stands."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from chatfold import clock, database, migrate
from chatfold.ledger import PostgresLedger, new_run_id
from chatfold.settings import Settings
from chatfold.stack import Stack
from schemas import codec
from streams.ports import Claimed, Finished, Unavailable, Unfinished
from tests.support import servers as support


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    await migrate.migrate(settings.database, settings.database_schema)
    pool = await database.open_pool(settings.database, kept=1, extra=3)
    yield pool
    await pool.close()


def ledger(pool: asyncpg.Pool, settings: Settings, run_id: str = "run-1") -> PostgresLedger:
    return PostgresLedger(pool, settings.database_schema, run_id=run_id, now=clock.now)


async def rows(pool: asyncpg.Pool, settings: Settings) -> list[asyncpg.Record]:
    return await pool.fetch(f"SELECT * FROM {settings.database_schema}.effects ORDER BY effect_id")


async def test_an_effect_is_claimed_once_and_its_result_is_reused(pool, settings) -> None:
    mine = ledger(pool, settings)
    assert isinstance(await mine.claim("a:1"), Claimed)
    assert await mine.finish("a:1", b'{"outcome":"sent"}') == b'{"outcome":"sent"}'
    again = await mine.claim("a:1")
    assert isinstance(again, Finished)
    assert again.result.replace(b" ", b"") == b'{"outcome":"sent"}'


async def test_what_another_run_began_and_did_not_end_is_unfinished(pool, settings) -> None:
    dead, mine = ledger(pool, settings, "run-1"), ledger(pool, settings, "run-2")
    await dead.claim("a:1")
    assert isinstance(await mine.claim("a:1"), Unfinished)
    assert not await mine.holds("a:1")
    assert await dead.holds("a:1")


async def test_the_first_result_stands_whoever_notes_it(pool, settings) -> None:
    frozen, mine = ledger(pool, settings, "run-1"), ledger(pool, settings, "run-2")
    await frozen.claim("a:1")
    await mine.claim("a:1")
    assert await mine.finish("a:1", b'"unknown"') == b'"unknown"'
    assert await frozen.finish("a:1", b'"sent"') == b'"unknown"'
    assert not await frozen.holds("a:1")


async def test_of_many_who_claim_at_once_in_two_runs_each_effect_goes_to_one(
    pool, settings
) -> None:
    runs = [ledger(pool, settings, f"run-{number}") for number in range(2)]
    wanted = [f"{number}:1" for number in range(300)]

    async def claimed(run: PostgresLedger) -> set[str]:
        claims = await asyncio.gather(*(run.claim(effect) for effect in wanted))
        return {
            effect
            for effect, claim in zip(wanted, claims, strict=True)
            if isinstance(claim, Claimed)
        }

    first, second = await asyncio.gather(*(claimed(run) for run in runs))
    assert first | second == set(wanted)
    assert not first & second


async def test_those_who_claim_at_once_share_a_round_trip(pool, settings) -> None:
    mine = ledger(pool, settings)
    carried: list[int] = []
    carry = mine._claims._carry

    async def count(asked):
        carried.append(len(asked))
        return await carry(asked)

    mine._claims._carry = count
    await asyncio.gather(*(mine.claim(f"{number}:1") for number in range(200)))
    assert carried == [200]


async def test_two_who_claim_the_same_in_one_run_get_it_once(pool, settings) -> None:
    mine = ledger(pool, settings)
    claims = await asyncio.gather(mine.claim("a:1"), mine.claim("a:1"))
    assert {type(claim) for claim in claims} == {Claimed, Unfinished}


async def test_a_claim_whose_answer_got_lost_is_given_to_the_next_who_asks(pool, settings) -> None:
    mine = ledger(pool, settings)
    carry = mine._claims._carry

    async def lose(asked):
        await carry(asked)
        raise OSError("the connection broke after the commit")

    mine._claims._carry = lose
    with pytest.raises(Unavailable):
        await mine.claim("a:1")
    mine._claims._carry = carry
    assert isinstance(await mine.claim("a:1"), Claimed)
    assert isinstance(await mine.claim("a:1"), Unfinished)


async def test_a_claim_given_back_can_be_claimed_by_others(pool, settings) -> None:
    mine, other = ledger(pool, settings, "run-1"), ledger(pool, settings, "run-2")
    await mine.claim("a:1")
    await mine.release("a:1")
    assert isinstance(await other.claim("a:1"), Claimed)
    await mine.release("a:1")
    assert await other.holds("a:1")


async def test_closing_gives_back_what_was_claimed_for_somebody_who_left(pool, settings) -> None:
    async with ledger(pool, settings) as mine:
        await mine.claim("kept:1")
        leaving = asyncio.create_task(mine.claim("left:1"))
        await asyncio.sleep(0)
        leaving.cancel()
    assert [row["effect_id"] for row in await rows(pool, settings)] == ["kept:1"]


COMMITS = """
SET search_path TO {schema};
CREATE TABLE commits (operation text, durable text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {schema}.commits VALUES (TG_OP, current_setting('synchronous_commit'));
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER noted AFTER INSERT OR UPDATE ON effects
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
"""


@pytest.mark.parametrize("default", ["on", "off"])
async def test_a_claim_is_committed_to_disk_and_a_result_need_not_be(
    pool, settings, default: str
) -> None:
    schema = settings.database_schema
    connection = await asyncpg.connect(settings.database)
    await connection.execute(COMMITS.format(schema=schema))
    await connection.close()
    async with asyncpg.create_pool(
        settings.database,
        min_size=1,
        max_size=2,
        server_settings={"synchronous_commit": default},
        statement_cache_size=0,
    ) as careless:
        mine = ledger(careless, settings)
        await mine.claim("a:1")
        await mine.finish("a:1", b"1")
    found = await pool.fetch(f"SELECT operation, durable FROM {schema}.commits")
    assert [tuple(row) for row in found] == [("INSERT", "on"), ("UPDATE", "off")]


@pytest.mark.parametrize(
    "odd", ["", "a'; DROP TABLE effects; --", "nul\x00", "ü", "a b", "a" * 201]
)
async def test_what_is_no_id_is_refused_before_it_gets_near_a_statement(
    pool, settings, odd: str
) -> None:
    mine = ledger(pool, settings)
    with pytest.raises(ValueError, match="not an id"):
        await mine.claim(odd)
    with pytest.raises(ValueError, match="not an id"):
        ledger(pool, settings, run_id=odd)
    assert isinstance(await mine.claim("a:1"), Claimed)


async def test_a_result_comes_back_as_it_was_whatever_it_holds(pool, settings) -> None:
    mine = ledger(pool, settings)
    said = "quotes ' \" \\ $$ %s {} \U0001f600 \n" + "x" * 100_000
    await mine.claim("a:1")
    await mine.finish("a:1", codec.dumps({"said": said}))
    again = await mine.claim("a:1")
    assert isinstance(again, Finished)
    assert codec.loads(again.result) == {"said": said}


async def test_run_ids_differ() -> None:
    now = clock.now()
    assert new_run_id(now) != new_run_id(now)


@pytest.mark.slow
async def test_a_postgres_that_is_stopped_and_started_again_is_used_again(
    own_servers: Stack,
) -> None:
    settings = own_servers.settings
    schema = support.isolated(settings, "ledger", settings.home).database_schema
    await migrate.migrate(settings.database, schema)
    pool = await database.open_pool(settings.database, kept=1, extra=1)
    try:
        mine = PostgresLedger(pool, schema, run_id="run", now=clock.now)
        await mine.claim("before:1")
        await asyncio.to_thread(own_servers.postgres.stop)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await mine.claim("during:1")
        with pytest.raises(Unavailable):
            await mine.finish("before:1", b"1")
        await asyncio.to_thread(own_servers.postgres.start)
        assert isinstance(await mine.claim("during:1"), Claimed)
        assert await mine.finish("before:1", b"1") == b"1"
    finally:
        await pool.close()
