"""Dear effects have one at a time who is at them, for as long as he lives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from chatfold import clock, database, migrate
from chatfold.ledger import PostgresLeases
from chatfold.settings import Settings
from streams.ports import Busy, Claimed, Finished, Unavailable
from tests.support import roles

RESULT = b'{"text": "heard"}'


class Runs:
    """Leases in the name of one run each."""

    def __init__(self, settings: Settings, pool: database.Pool, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._pool = pool
        self._stack = stack
        self.ahead = timedelta()

    async def begin(self, name: str, seconds: float = 20.0) -> PostgresLeases:
        return await self._stack.enter_async_context(self.dead(name, seconds))

    def dead(self, name: str, seconds: float = 20.0) -> PostgresLeases:
        """One that never renews its leases."""
        schema = self._settings.database_schema
        now = lambda: clock.now() + self.ahead  # noqa: E731
        return PostgresLeases(self._pool, schema, run_id=name, now=now, seconds=seconds)


@pytest.fixture
async def runs(settings: Settings) -> AsyncIterator[Runs]:
    await migrate.migrate(settings.database, settings.database_schema)
    pool = await database.open_pool(settings.database, kept=1, extra=9)
    async with AsyncExitStack() as stack:
        yield Runs(settings, pool, stack)
    await pool.close()


async def test_one_at_a_time_is_at_an_effect_and_its_result_is_everybodys(runs: Runs) -> None:
    one, two = await runs.begin("one"), await runs.begin("two")
    assert isinstance(await one.take("x"), Claimed)
    assert isinstance(await two.take("x"), Busy)
    assert isinstance(await two.take("y"), Claimed)
    assert await one.finish("x", RESULT) == RESULT
    for run in (one, two):
        found = await run.take("x")
        assert isinstance(found, Finished)
        assert found.result == RESULT


async def test_what_came_to_nothing_is_free_at_once(runs: Runs) -> None:
    one, two = await runs.begin("one"), await runs.begin("two")
    await one.take("x")
    await two.release("x")  # it is not his
    assert isinstance(await two.take("x"), Busy)
    await one.release("x")
    assert isinstance(await two.take("x"), Claimed)


async def test_who_ended_without_a_word_loses_it_soon_and_to_one_only(runs: Runs) -> None:
    dead = runs.dead("dead")
    await dead.take("x")
    others = [await runs.begin(f"other{number}") for number in range(8)]
    assert isinstance(await others[0].take("x"), Busy)
    runs.ahead = timedelta(seconds=21)
    taken = await asyncio.gather(*(one.take("x") for one in others))
    assert sorted(type(one).__name__ for one in taken) == ["Busy"] * 7 + ["Claimed"]
    winner = others[[isinstance(one, Claimed) for one in taken].index(True)]
    assert await winner.finish("x", RESULT) == RESULT
    assert await dead.finish("x", b'{"text": "late"}') == RESULT


async def test_who_lives_keeps_it(runs: Runs) -> None:
    living = await runs.begin("living", seconds=0.8)
    waiting = runs.dead("waiting", seconds=0.8)
    await living.take("x")
    deadline = asyncio.get_running_loop().time() + 2.5
    while asyncio.get_running_loop().time() < deadline:
        assert isinstance(await waiting.take("x"), Busy)
        await asyncio.sleep(0.1)
    await living.release("x")
    assert isinstance(await waiting.take("x"), Claimed)


async def test_a_lost_answer_leaves_it_to_the_same_run(runs: Runs) -> None:
    one = await runs.begin("one")
    assert isinstance(await one.take("x"), Claimed)
    assert isinstance(await one.take("x"), Claimed)


async def test_at_its_end_a_run_lets_go(runs: Runs) -> None:
    async with runs.dead("leaving") as leaving:
        await leaving.take("x")
    assert isinstance(await (await runs.begin("next")).take("x"), Claimed)


async def test_without_postgres_nobody_has_it(settings: Settings) -> None:
    url = f"postgresql://chatfold@127.0.0.1:{roles.free_port()}/chatfold"
    pool = await database.open_pool(url, kept=1, extra=1)
    leases = PostgresLeases(pool, "chatfold", run_id="one", now=clock.now)
    for asked in (leases.take("x"), leases.finish("x", RESULT), leases.release("x")):
        with pytest.raises(Unavailable):
            await asked
    with pytest.raises(ValueError, match="id"):
        await leases.take("no id; at all")
    await pool.close()
