"""Laws of own projections: batches, order among chats and rebuilds do not show in the rows."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatfold import own_projections
from projections.examples import daily_messages, response_times
from projections.fold import fold
from projections.in_memory import MemoryTables
from projections.registry import Projection
from projections.rows import Write, add
from projections.staging import Stage
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact, MessageReceived, ReplyGenerated
from tests.support import facts

RNGS = st.randoms(use_true_random=False)
EXAMPLES = tuple(map(own_projections.projection, (daily_messages, response_times)))


def one_by_one(projection: Projection, log: list[Recorded[Fact]]) -> dict:
    tables = MemoryTables(projection.tables)
    for recorded in log:
        tables.apply(projection.evolve(recorded))
    return tables.rows


def in_batches(projection: Projection, log: list[Recorded[Fact]], rng: random.Random) -> dict:
    """As the projector does it: the writes of a batch folded to the fewest first."""
    tables = MemoryTables(projection.tables)
    for batch in facts.splits(log, rng):
        for folded in fold([w for one in batch for w in projection.evolve(one)]).values():
            tables.apply((*folded.before, *folded.patches, *folded.upserts))
    return tables.rows


@pytest.mark.parametrize("projection", EXAMPLES, ids=lambda one: one.name)
@given(log=facts.logs(), rng=RNGS)
def test_any_split_into_batches_gives_the_same_rows(
    projection: Projection, log: list[Recorded[Fact]], rng: random.Random
) -> None:
    assert in_batches(projection, log, rng) == one_by_one(projection, log)


@given(log=facts.logs(), rng=RNGS)
def test_totals_do_not_depend_on_the_order_of_partitions(
    log: list[Recorded[Fact]], rng: random.Random
) -> None:
    (daily, _) = EXAMPLES
    shuffled = rng.sample(log, len(log))
    assert in_batches(daily, shuffled, rng) == one_by_one(daily, log)


@given(log=facts.logs())
def test_every_message_is_counted_once(log: list[Recorded[Fact]]) -> None:
    rows = one_by_one(EXAMPLES[0], log)["daily_messages"].values()
    users = [
        one
        for one in log
        if isinstance(one.data, MessageReceived) and one.data.origin is Origin.USER
    ]
    said = [one for one in log if isinstance(one.data, MessageReceived | ReplyGenerated)]
    assert sum(row["received"] or 0 for row in rows) == len(users)
    assert sum(row["sent"] or 0 for row in rows) == len(said) - len(users)


def test_partitions_lock_the_rows_they_share_in_one_order() -> None:
    (table,) = daily_messages.TABLES
    keys = [("b", "2026-01-02", "text"), ("a", "2026-01-03", "text"), ("a", "2026-01-02", "text")]
    writes: list[Write] = [add(table.name, key, received=1) for key in keys]
    staged = Stage(table).rows(fold(writes)[table.name])
    assert [record[:3] for record in staged.records] == sorted(keys)
