"""The window: order per chat, acknowledgements strictly in order, nothing left behind."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.ports import Leaving
from streams.window import InOrderWindow, Left


@dataclass(eq=False)
class Held:
    partition: Hashable
    offset: int
    key: Hashable
    acked: bool = False
    dropped: bool = False
    on_ack: list["Held"] = field(default_factory=list, repr=False)

    def ack(self) -> None:
        assert not self.acked
        assert not self.dropped
        self.acked = True
        self.on_ack.append(self)

    def drop(self) -> None:
        assert not self.acked
        assert not self.dropped
        self.dropped = True


class Bench:
    """A window whose handlers end when the test says so."""

    def __init__(self, *, limit: int = 100, held: int = 1000) -> None:
        self.window = InOrderWindow(self.handle, limit=limit, held=held)
        self.running: dict[Held, asyncio.Future[None]] = {}
        self.started: list[Held] = []
        self.acked: list[Held] = []
        self.offsets: defaultdict[Hashable, int] = defaultdict(int)
        self.leaving: dict[Held, Leaving] = {}

    async def handle(self, event: Held, leaving: Leaving) -> None:
        assert all(other.key != event.key for other in self.running), "two of one chat at once"
        self.started.append(event)
        self.leaving[event] = leaving
        self.running[event] = asyncio.get_running_loop().create_future()
        try:
            await self.running[event]
        finally:
            del self.running[event]

    def event(self, key: Hashable = "a", partition: Hashable = 0) -> Held:
        self.offsets[partition] += 1
        return Held(partition, self.offsets[partition] * 3, key, on_ack=self.acked)

    async def submit(self, key: Hashable = "a", partition: Hashable = 0) -> Held:
        event = self.event(key, partition)
        await self.window.submit(event)
        await settled()
        return event

    async def end(self, event: Held, error: BaseException | None = None) -> None:
        if error is None:
            self.running[event].set_result(None)
        else:
            self.running[event].set_exception(error)
        await settled()


async def settled() -> None:
    """Let everything run that can run now."""
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    bench.window.assign([0, 1])
    return bench


async def test_chats_run_side_by_side_and_one_chat_one_after_another(bench: Bench) -> None:
    a1, a2, b1 = await bench.submit("a"), await bench.submit("a"), await bench.submit("b")
    assert list(bench.running) == [a1, b1]
    await bench.end(a1)
    assert list(bench.running) == [b1, a2]


async def test_acknowledgements_wait_for_everything_before_in_the_partition(bench: Bench) -> None:
    slow, fast, other = [
        await bench.submit("a"),
        await bench.submit("b"),
        await bench.submit("c", 1),
    ]
    await bench.end(fast)
    await bench.end(other)
    assert bench.acked == [other]
    assert bench.window.oldest(0) is slow
    await bench.end(slow)
    assert bench.acked == [other, slow, fast]
    assert bench.window.oldest(0) is None


async def test_a_slow_chat_with_many_events_leaves_the_others_their_room() -> None:
    bench = Bench(limit=2, held=100)
    bench.window.assign([0])
    for _ in range(50):
        await bench.submit("slow")
    other = await bench.submit("other")
    assert other in bench.running


async def test_no_more_run_than_the_limit_and_no_more_are_held_than_there_is_room() -> None:
    bench = Bench(limit=2, held=3)
    bench.window.assign([0])
    events = [await bench.submit(key) for key in "abc"]
    assert list(bench.running) == events[:2]
    waiting = asyncio.create_task(bench.submit("d"))
    await settled()
    assert not waiting.done()
    await bench.end(events[0])
    await waiting
    assert bench.window.held == 3


async def test_revoking_acknowledges_what_finishes_in_time_and_drops_what_has_not_begun(
    bench: Bench,
) -> None:
    running, waiting = await bench.submit("a"), await bench.submit("a")
    kept = await bench.submit("b", 1)
    revoking = asyncio.create_task(bench.window.revoke([0], grace=10))
    await settled()
    assert waiting.dropped
    assert bench.leaving[running].is_set()
    assert not bench.leaving[kept].is_set()
    await bench.end(running)
    await revoking
    assert bench.acked == [running]
    late = await bench.submit("a")
    assert late.dropped


async def test_what_finishes_after_its_partition_is_gone_is_never_acknowledged(
    bench: Bench,
) -> None:
    event = await bench.submit("a")
    await bench.window.revoke([0], grace=0)
    assert event.dropped
    bench.window.assign([0])
    again = await bench.submit("b")
    await bench.end(event)
    assert bench.acked == []
    await bench.end(again)
    assert bench.acked == [again]


async def test_an_event_that_waited_for_room_while_its_partition_left_is_dropped() -> None:
    bench = Bench(limit=1, held=1)
    bench.window.assign([0])
    first = await bench.submit("a")
    stale = bench.event("b")
    waiting = asyncio.create_task(bench.window.submit(stale))
    await settled()
    await bench.window.revoke([0], grace=0)
    bench.window.assign([0])
    await waiting
    assert stale.dropped
    await bench.end(first)
    assert bench.acked == []
    assert not bench.window._room.locked()


async def test_what_a_leaving_handler_gave_up_blocks_the_acknowledgements_behind_it(
    bench: Bench,
) -> None:
    first, second = await bench.submit("a"), await bench.submit("b")
    revoking = asyncio.create_task(bench.window.revoke([0], grace=10))
    await settled()
    await bench.end(first, Left())
    await bench.end(second)
    await revoking
    assert bench.acked == []
    assert bench.window.defect is None


async def test_an_error_out_of_a_handler_is_kept_and_never_acknowledged_past(bench: Bench) -> None:
    first, second = await bench.submit("a"), await bench.submit("b")
    behind = await bench.submit("a")
    other = await bench.submit("c", 1)
    error = ValueError("a bug")
    await bench.end(first, error)
    await bench.end(second)
    await bench.end(other)
    assert bench.window.defect is error
    assert bench.acked == [other]
    assert behind.dropped


async def test_closing_cancels_what_does_not_finish_in_time(bench: Bench) -> None:
    event = await bench.submit("a")
    await bench.window.close(grace=0)
    assert event.dropped
    assert not bench.running
    assert bench.window.in_flight == 0
    bench.window.assign([0])
    assert (await bench.submit("b")).dropped


async def test_an_offset_out_of_order_is_refused_loudly(bench: Bench) -> None:
    event = await bench.submit("a")
    with pytest.raises(RuntimeError, match="came after"):
        await bench.window.submit(Held(0, event.offset, "b"))


PARTITIONS, CHATS = 3, 4


class Model:
    """Runs a random schedule and checks the laws after every step."""

    def __init__(self) -> None:
        self.bench = Bench(limit=3, held=9)
        self.submitting: list[asyncio.Task[None]] = []
        self.submitted: defaultdict[Hashable, list[Held]] = defaultdict(list)
        self.done: set[Held] = set()
        self.generation: dict[Held, int] = {}
        self.now: defaultdict[Hashable, int] = defaultdict(int)

    async def step(self, action: int, choice: int) -> None:
        partition = choice % PARTITIONS
        match action:
            case 0 | 1 | 2:
                await self.submit(partition, choice // PARTITIONS % CHATS)
            case 3 | 4 | 5:
                await self.end(choice, None)
            case 6:
                await self.end(choice, Left() if choice % 2 else None)
            case 7:
                self.now[partition] += 1
                await self.bench.window.revoke([partition], grace=0)
            case _:
                self.bench.window.assign([partition])
        await settled()
        self.check()

    async def submit(self, partition: int, chat: int) -> None:
        if any(not task.done() for task in self.submitting):
            return  # a stream hands out one event after another
        event = self.bench.event((partition, chat, self.now[partition]), partition)
        self.submitted[partition].append(event)
        self.generation[event] = self.now[partition]
        self.submitting.append(asyncio.create_task(self.bench.window.submit(event)))

    async def end(self, choice: int, error: BaseException | None) -> None:
        running = list(self.bench.running)
        if running:
            event = running[choice % len(running)]
            if error is None:
                self.done.add(event)
            await self.bench.end(event, error)

    def check(self) -> None:
        assert len(self.bench.running) <= 3
        assert self.bench.window.held <= 9
        for partition, events in self.submitted.items():
            for generation in range(self.now[partition] + 1):
                mine = [one for one in events if self.generation[one] == generation]
                self.check_generation(mine)

    def check_generation(self, events: list[Held]) -> None:
        """Of one partition while it was ours: a prefix is acknowledged, all of it done."""
        acked = [event for event in events if event.acked]
        held = [event for event in events if event.acked or event not in self.refused()]
        assert acked == held[: len(acked)]
        assert set(acked) <= self.done

    def refused(self) -> set[Held]:
        """Events dropped unseen, before their partition was assigned."""
        return {
            event
            for events in self.submitted.values()
            for event in events
            if event.dropped and event not in self.bench.started
        }

    async def finish(self) -> None:
        for partition in range(PARTITIONS):
            await self.bench.window.revoke([partition], grace=0)
        while self.bench.running:
            await self.end(0, None)
        await asyncio.gather(*self.submitting)
        events = [event for events in self.submitted.values() for event in events]
        assert all(event.acked != event.dropped for event in events)
        order = [event.offset for event in self.bench.started]
        for chat in {event.key for event in self.bench.started}:
            mine = [one.offset for one in self.bench.started if one.key == chat]
            assert mine == sorted(mine), order
        window = self.bench.window
        assert (window.held, window.in_flight, window.defect) == (0, 0, None)
        assert not window._lanes
        assert not window._ready
        assert window._room._value == 9


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 1000)), max_size=120))
def test_any_interleaving_keeps_the_laws_and_leaves_nothing_behind(
    schedule: list[tuple[int, int]],
) -> None:
    async def run() -> None:
        model = Model()
        model.bench.window.assign(range(PARTITIONS))
        for action, choice in schedule:
            await model.step(action, choice)
        await model.finish()

    asyncio.run(run())
