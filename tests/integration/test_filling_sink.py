"""Rows that were taken for new ones on a real PostgreSQL, where somebody else has made them."""

from collections.abc import AsyncIterator, Callable

import pytest

from chatfold import database
from chatfold.settings import Settings
from projections.filling import FillingSink
from projections.registry import TABLES
from projections.sink import Move, Unwritable
from schemas.envelope import Recorded
from schemas.facts import Fact
from tests.support import facts, oracle, projecting, tables

Sinks = Callable[[], FillingSink]
LOG = facts.log(5, chats=6, facts=300)


@pytest.fixture
async def sinks(settings: Settings) -> AsyncIterator[Sinks]:
    """Writers of the same tables, each of which believes that they were empty."""
    await projecting.prepare(settings)
    schema = settings.database_schema
    pool = await database.open_pool(settings.database)

    def sink() -> FillingSink:
        return FillingSink(
            pool, schema, TABLES, live=schema, began_empty=True, reach=lambda _: None
        )

    yield sink
    await pool.close()


def move(partition: int) -> Move:
    return Move(topic="events", partition=partition, begin=None, end=len(LOG))


async def gathered(sink: FillingSink, log: list[Recorded[Fact]], partition: int) -> None:
    filling = sink.filling()
    filling.add(sink.writes(log))
    await sink.write_steps(sink.batch(filling), [(move(partition), ())])


async def assert_all_is_there(settings: Settings) -> None:
    want = await tables.expected(
        settings.database, f"{settings.database_schema}_want", oracle.tables(LOG)
    )
    assert await tables.dump(settings.database, settings.database_schema) == want


async def test_what_was_gathered_is_refused_whole_and_merged_when_it_comes_again(
    settings: Settings, sinks: Sinks
) -> None:
    other = sinks()
    await gathered(sinks(), LOG[:150], 0)
    with pytest.raises(Unwritable):
        await gathered(other, LOG, 1)
    assert not other.filling().new
    await gathered(other, LOG, 1)
    await assert_all_is_there(settings)


async def test_a_batch_of_its_own_is_merged_at_once(settings: Settings, sinks: Sinks) -> None:
    other = sinks()
    await gathered(sinks(), LOG[:150], 0)
    await other.write(other.prepare(LOG), move(1))
    await assert_all_is_there(settings)
