"""Batches of several partitions in one transaction: what fails is read again by all in it."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from projections import gathering
from projections.filling import Filling
from projections.gathering import Changes, GatheringSink
from projections.rows import add
from projections.sink import Fenced, Move, SinkUnavailable, Unwritable

TOPIC = "events"


@dataclass
class Tables:
    """A store of totals that can fail, and refuses what is called `poison` with anything else."""

    positions: dict = field(default_factory=lambda: defaultdict(lambda: None))
    totals: dict = field(default_factory=lambda: defaultdict(int))
    transactions: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(100))

    async def position(self, topic, partition):
        return self.positions[partition]

    def writes(self, batch):
        return [add("totals", (name,), count=1) for name in batch]

    def filling(self):
        return Filling(())

    def batch(self, filling):
        return {one.key[0]: one.added["count"] for one in filling.tables["totals"].upserts}

    def batch_of(self, writes):
        return {one.key[0]: 1 for one in writes}

    def parking(self, prepared, parked):
        return prepared

    async def write_steps(self, batch, steps):
        await self.gate.acquire()
        if self.failures:
            raise self.failures.pop()
        if "poison" in batch and len(batch) > 1:
            raise Unwritable("poison")
        for move, _ in steps:
            if move.begin != self.positions[move.partition]:
                raise Fenced(str(move))
            self.positions[move.partition] = move.end
        for name, count in batch.items():
            self.totals[name] += count
        self.transactions.append([move.partition for move, _ in steps])

    async def write(self, batch, move):
        await self.write_steps(batch, [(move, ())])


async def told(sink: GatheringSink, partition: int, begin: int | None, end: int, *names: str):
    move = Move(topic=TOPIC, partition=partition, begin=begin, end=end)
    await sink.write(sink.prepare(names), move)


def opened(**failing) -> tuple[Tables, GatheringSink]:
    tables = Tables(**failing)
    return tables, GatheringSink(tables, {(TOPIC, 0): 30, (TOPIC, 1): 30})


async def test_what_comes_within_seconds_is_one_transaction_at_a_partitions_end() -> None:
    tables, sink = opened()
    await told(sink, 0, None, 10, "a", "b")
    await told(sink, 1, None, 10, "a")
    await told(sink, 0, 10, 20, "a")
    assert not tables.transactions
    await told(sink, 0, 20, 30)
    assert tables.transactions == [[0, 1]]
    assert tables.totals == {"a": 3, "b": 1}
    assert tables.positions == {0: 30, 1: 10}


async def test_no_more_rows_than_there_is_room_for_are_gathered() -> None:
    tables = Tables()
    sink = GatheringSink(tables, {(TOPIC, 0): 30}, most_rows=2)
    await told(sink, 0, None, 10, "a")
    assert not tables.transactions
    await told(sink, 0, 10, 20, "b")
    assert tables.positions[0] == 20


async def test_no_longer_than_is_allowed_is_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "LONGEST_SECONDS", 0)
    tables, sink = opened()
    await told(sink, 0, None, 10, "a")
    assert tables.positions[0] == 10


async def test_who_asks_for_the_position_finds_written_what_was_gathered() -> None:
    tables, sink = opened()
    await told(sink, 0, None, 10, "a")
    assert await sink.position(TOPIC, 0) == 10
    await told(sink, 0, 10, 20, "a")
    assert await sink.position(TOPIC, 1) is None
    assert tables.transactions == [[0]]


async def test_all_who_had_part_in_a_failed_transaction_read_again() -> None:
    tables, sink = opened(failures=[SinkUnavailable("gone")])
    await told(sink, 1, None, 10, "b")
    with pytest.raises(SinkUnavailable):
        await told(sink, 0, None, 30, "a")
    with pytest.raises(Fenced):
        await told(sink, 1, 10, 20, "b")
    for partition in (0, 1):
        assert await sink.position(TOPIC, partition) is None
        await told(sink, partition, None, 30, "ab"[partition])
    assert tables.totals == {"a": 1, "b": 1}


async def test_what_was_gathered_while_a_write_failed_is_read_again_too() -> None:
    tables, sink = opened(failures=[SinkUnavailable("gone")], gate=asyncio.Semaphore(0))
    failing = asyncio.create_task(told(sink, 0, None, 30, "a"))
    waiting = asyncio.create_task(told(sink, 1, None, 30, "b"))
    await asyncio.sleep(0)
    for _ in range(3):
        tables.gate.release()
    for task, error in ((failing, SinkUnavailable), (waiting, Fenced)):
        with pytest.raises(error):
            await task
    assert not tables.totals
    assert await sink.position(TOPIC, 1) is None
    await told(sink, 1, None, 30, "b")
    assert tables.positions[1] == 30


async def test_a_cancelled_write_counts_as_failed() -> None:
    tables, sink = opened(gate=asyncio.Semaphore(0))
    await told(sink, 1, None, 10, "b")
    writing = asyncio.create_task(told(sink, 0, None, 30, "a"))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert not tables.transactions
    with pytest.raises(Fenced):
        await told(sink, 1, 10, 30, "b")


async def test_what_cannot_be_written_together_is_written_batch_by_batch() -> None:
    tables, sink = opened()
    await told(sink, 0, None, 10, "a")
    await told(sink, 0, 10, 20, "poison")
    with pytest.raises(Fenced):
        await told(sink, 0, 20, 30, "b")
    assert await sink.position(TOPIC, 0) is None
    await told(sink, 0, None, 10, "a")
    await told(sink, 0, 10, 20, "poison")
    await told(sink, 0, 20, 30, "b")
    assert tables.transactions == [[0], [0], [0]]
    assert tables.totals == {"a": 1, "poison": 1, "b": 1}


async def test_a_batch_that_does_not_follow_is_not_gathered() -> None:
    _, sink = opened()
    await told(sink, 0, None, 10, "a")
    with pytest.raises(Fenced, match="does not follow"):
        await told(sink, 0, 15, 20, "a")


def test_what_waits_goes_with_its_batch() -> None:
    _, sink = opened()
    assert sink.parking(Changes(()), ["parked"]).parked == ["parked"]
