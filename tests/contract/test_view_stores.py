"""Whatever keeps the views of active chats keeps this contract: Valkey, and JSON files."""

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatfold.settings import Settings
from projections import json_files, redis
from projections.active_chat import ActiveChat
from projections.sink import Fenced, Move
from projections.view_sink import ViewSink
from projections.views import evolve
from schemas.envelope import Recorded
from schemas.facts import ChatMerged, Fact
from tests.support import facts

DAY = timedelta(hours=24)


@dataclass
class Hand:
    """A clock that stands until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Bench:
    """A store with a clock; `open` gives another client of the same store."""

    hand: Hand
    open: Callable[[], object]


@pytest.fixture(params=["valkey", "json files"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    hand = Hand(datetime.now(facts.BEGIN.tzinfo))
    if request.param == "json files":
        home = json_files.folder(f"file:{tmp_path}", "views")
        yield Bench(hand, lambda: json_files.JsonFileViews(home, DAY, clock=hand))
        return
    settings: Settings = request.getfixturevalue("settings")
    clients = []

    def open_redis() -> redis.RedisViews:
        clients.append(
            redis.RedisViews(redis.connect(settings.views), settings.view_prefix, DAY, clock=hand)
        )
        return clients[-1]

    yield Bench(hand, open_redis)
    for client in clients:
        await client.close()


def recent_log(bench: Bench, seed: int, *, chats: int = 5, count: int = 300) -> list:
    """A log whose last fact is of now; its facts are moments apart."""
    log = facts.log(seed, chats=chats, facts=count)
    first = bench.hand.now - timedelta(minutes=10)
    return [replace(one, time=first + timedelta(milliseconds=100 * n)) for n, one in enumerate(log)]


def folded(log: list[Recorded[Fact]]) -> dict[tuple[str, str], ActiveChat]:
    """The view of each chat, merged ones too."""
    views: dict[tuple[str, str], ActiveChat | None] = {}
    for one in log:
        chat = (one.tenant, one.chat_id)
        views[chat] = evolve(views.get(chat), one, DAY)
    return {chat: view for chat, view in views.items() if view is not None}


def alive(log: list[Recorded[Fact]]) -> dict[tuple[str, str], ActiveChat]:
    """The views of the chats that go on."""
    return {chat: view for chat, view in folded(log).items() if view.merged_into is None}


def shown(log: list[Recorded[Fact]]) -> dict[tuple[str, str], ActiveChat]:
    """What each chat is shown as: a merged one as the one that goes on for it."""
    views, found = folded(log), {}
    for chat in views:
        view = views[chat]
        while view is not None and view.merged_into is not None:
            view = views.get((view.tenant, view.merged_into))
        if view is not None:
            found[chat] = view
    return found


def step(begin: int | None, end: int) -> Move:
    return Move(topic="events", partition=0, begin=begin, end=end)


def sink(store: object, bench: Bench) -> ViewSink:
    return ViewSink(store, DAY, clock=bench.hand, reach=lambda _: None)


async def read(store: object, log: list[Recorded[Fact]]) -> dict:
    chats = {(one.tenant, one.chat_id) for one in log}
    found = {chat: await store.get(*chat) for chat in chats}
    return {chat: view for chat, view in found.items() if view is not None}


async def test_the_views_are_the_fold_of_the_log_in_whatever_batches(bench: Bench) -> None:
    store, log, end = bench.open(), recent_log(bench, 1), None
    writer = sink(store, bench)
    for batch in facts.splits(log, random.Random(1)):
        begin, end = end, (end or 0) + len(batch)
        await writer.write(batch, step(begin, end))
    assert await read(store, log) == shown(log)
    assert await store.position("events", 0) == len(log)


async def test_a_repeat_or_a_late_write_never_goes_backwards(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 2)
    half = folded(log[:150])
    await sink(store, bench).write(log, step(None, 300))
    await store.save(list(half.values())[:100], bench.hand.now, None)
    again = sink(store, bench)
    for start in range(0, 300, 60):
        await again.write(log[start : start + 60], step(300 + start, 360 + start))
    assert await read(store, log) == shown(log)


async def test_the_position_moves_only_from_where_the_writer_began(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 3)
    assert await store.position("events", 0) is None
    with pytest.raises(Fenced):
        await sink(store, bench).write(log[:5], step(7, 12))
    assert await read(store, log) == {}
    await sink(store, bench).write(log[:5], step(None, 5))
    with pytest.raises(Fenced):
        await sink(store, bench).write(log[:5], step(None, 5))
    with pytest.raises(Fenced):
        await sink(store, bench).confirm("events", 0, 4)
    await sink(store, bench).confirm("events", 0, 5)
    assert await store.position("events", 1) is None


async def test_views_and_position_survive_the_writer(bench: Bench) -> None:
    log = recent_log(bench, 4)
    await sink(bench.open(), bench).write(log[:200], step(None, 200))
    other = bench.open()
    writer = sink(other, bench)
    assert await writer.position("events", 0) == 200
    await writer.write(log[200:], step(200, 300))
    assert await read(other, log) == shown(log)


async def test_a_partition_that_comes_back_is_not_taken_up_from_memory(bench: Bench) -> None:
    log = recent_log(bench, 10)
    one, other = sink(bench.open(), bench), sink(bench.open(), bench)
    await one.write(log[:100], step(None, 100))
    await other.write(log[100:200], step(100, 200))
    assert await one.position("events", 0) == 200
    await one.write(log[200:], step(200, 300))
    assert await read(bench.open(), log) == shown(log)


async def test_a_view_ends_after_its_time_to_live_and_the_person_stays(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 5, chats=1)
    view = next(iter(alive(log).values()))
    await sink(store, bench).write(log, step(None, 300))
    bench.hand.now = view.last_activity + DAY
    assert await store.get(view.tenant, view.chat_id) is None
    assert await store.active(view.tenant) == []
    (known,) = await store.load([(view.tenant, view.chat_id)])
    assert known is not None
    assert known.person == view.person
    assert known.seq == view.seq


async def test_a_chat_that_comes_back_has_its_person_and_a_new_start(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 6, chats=1)
    before, after = log[:250], [replace(one, time=one.time + 3 * DAY) for one in log[250:]]
    await sink(store, bench).write(before, step(None, 250))
    bench.hand.now += 3 * DAY
    await sink(store, bench).write(after, step(250, 300))
    (expected,) = alive([*before, *after]).values()
    view = await store.get(expected.tenant, expected.chat_id)
    assert view == expected
    assert view.person.platform_user_id is not None
    assert all(line.time > after[0].time - DAY for line in view.recent)


async def test_what_is_past_is_not_written_but_remembered(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 7, chats=2)
    bench.hand.now += 2 * DAY
    await sink(store, bench).write(log, step(None, 300))
    assert await read(store, log) == {}
    known = await store.load(list(folded(log)))
    assert [view.person for view in known] == [view.person for view in folded(log).values()]
    assert not any(view.recent for view in known)


async def test_active_chats_come_latest_first_and_by_tenant(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 8, chats=9)
    await sink(store, bench).write(log, step(None, 300))
    views = sorted(alive(log).values(), key=lambda view: view.last_activity, reverse=True)
    for tenant in ("tenant-0", "tenant-1", "tenant-2"):
        expected = [view for view in views if view.tenant == tenant]
        assert await store.active(tenant) == expected
        assert await store.active(tenant, 1) == expected[:1]
    assert await store.active("nobody") == []


async def test_a_merged_chat_is_shown_as_the_one_that_goes_on_and_not_beside_it(
    bench: Bench,
) -> None:
    store, log = bench.open(), recent_log(bench, 11, chats=18, count=1500)
    ended = [view for view in folded(log).values() if view.merged_into is not None]
    assert any(view.recent for view in ended)
    await sink(store, bench).write(log, step(None, len(log)))
    assert await read(store, log) == shown(log)
    listed = [view for n in range(3) for view in await store.active(f"tenant-{n}")]
    assert {view.chat_id for view in listed} == {view.chat_id for view in alive(log).values()}
    assert (await store.stats())["active_chats"] == len(listed)


async def test_what_a_merged_chat_still_does_does_not_bring_it_back(bench: Bench) -> None:
    log = recent_log(bench, 11, chats=18, count=1500)
    ended = next(one for one in log[::-1] if isinstance(one.data, ChatMerged))
    await sink(bench.open(), bench).write(log, step(None, len(log)))
    closed = replace(ended, data=facts.notice("late"), sequence=ended.sequence + 1)
    other = bench.open()
    await sink(other, bench).write([closed], step(len(log), len(log) + 1))
    assert await read(other, log) == shown(log)
    (known,) = await other.load([(ended.tenant, ended.chat_id)])
    assert (known.seq, known.merged_into) == (closed.sequence, ended.data.into)


async def test_counts_of_all_clients_add_up(bench: Bench) -> None:
    store, other, log = bench.open(), bench.open(), recent_log(bench, 9, chats=3)
    views = alive(log)
    await sink(store, bench).write(log, step(None, 300))
    before = await other.stats()
    for client in (store, other):
        for chat in views:
            assert await client.get(*chat) is not None
        assert await client.get("tenant-0", "nobody") is None
    after = await store.stats()
    more = {name: after[name] - before[name] for name in ("operations", "hits", "misses")}
    count = len(views)
    assert more == {"operations": 2 * count + 2, "hits": 2 * count, "misses": 2}
    assert after["hit_ratio"] == round(after["hits"] / (after["hits"] + after["misses"]), 3)
    assert after["active_chats"] == count
    assert after["reachable"] is True
    assert after["errors"] == 0
