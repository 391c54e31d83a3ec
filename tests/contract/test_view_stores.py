"""Whatever keeps the views of active chats keeps this contract: Valkey, and JSON files."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chatfold.settings import Settings
from projections import json_files, redis
from projections.active_chat import ActiveChat
from projections.build import Build
from projections.scope import WHOLE
from projections.sink import Fenced, Move, Parked, ProjectionRefused, Waiters
from projections.view_builds import Overtaken
from projections.view_sink import ViewBatch, ViewSink
from projections.views import evolve
from schemas import envelope
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
    return ViewSink(store.builds.live, DAY, clock=bench.hand, reach=lambda _: None)


async def read(store: object, log: list[Recorded[Fact]]) -> dict:
    chats = {(one.tenant, one.chat_id) for one in log}
    found = {chat: await store.get(*chat) for chat in chats}
    return {chat: view for chat, view in found.items() if view is not None}


async def test_the_views_are_the_fold_of_the_log_in_whatever_batches(bench: Bench) -> None:
    store, log, end = bench.open(), recent_log(bench, 1), None
    writer = sink(store, bench)
    for batch in facts.splits(log, random.Random(1)):
        begin, end = end, (end or 0) + len(batch)
        await writer.write(ViewBatch(batch), step(begin, end))
    assert await read(store, log) == shown(log)
    assert await (await store.builds.live()).position("events", 0) == len(log)


async def test_a_repeat_or_a_late_write_never_goes_backwards(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 2)
    half = folded(log[:150])
    await sink(store, bench).write(ViewBatch(log), step(None, 300))
    await (await store.builds.live()).save(list(half.values())[:100], bench.hand.now, None)
    again = sink(store, bench)
    for start in range(0, 300, 60):
        await again.write(ViewBatch(log[start : start + 60]), step(300 + start, 360 + start))
    assert await read(store, log) == shown(log)


async def test_the_position_moves_only_from_where_the_writer_began(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 3)
    assert await (await store.builds.live()).position("events", 0) is None
    with pytest.raises(Fenced):
        await sink(store, bench).write(ViewBatch(log[:5]), step(7, 12))
    assert await read(store, log) == {}
    await sink(store, bench).write(ViewBatch(log[:5]), step(None, 5))
    with pytest.raises(Fenced):
        await sink(store, bench).write(ViewBatch(log[:5]), step(None, 5))
    with pytest.raises(Fenced):
        await sink(store, bench).confirm("events", 0, 4)
    await sink(store, bench).confirm("events", 0, 5)
    assert await (await store.builds.live()).position("events", 1) is None


async def test_views_and_position_survive_the_writer(bench: Bench) -> None:
    log = recent_log(bench, 4)
    await sink(bench.open(), bench).write(ViewBatch(log[:200]), step(None, 200))
    other = bench.open()
    writer = sink(other, bench)
    assert await writer.position("events", 0) == 200
    await writer.write(ViewBatch(log[200:]), step(200, 300))
    assert await read(other, log) == shown(log)


async def test_a_partition_that_comes_back_is_not_taken_up_from_memory(bench: Bench) -> None:
    log = recent_log(bench, 10)
    one, other = sink(bench.open(), bench), sink(bench.open(), bench)
    await one.write(ViewBatch(log[:100]), step(None, 100))
    await other.write(ViewBatch(log[100:200]), step(100, 200))
    assert await one.position("events", 0) == 200
    await one.write(ViewBatch(log[200:]), step(200, 300))
    assert await read(bench.open(), log) == shown(log)


async def test_a_view_ends_after_its_time_to_live_and_the_person_stays(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 5, chats=1)
    view = next(iter(alive(log).values()))
    await sink(store, bench).write(ViewBatch(log), step(None, 300))
    bench.hand.now = view.last_activity + DAY
    assert await store.get(view.tenant, view.chat_id) is None
    assert await store.active(view.tenant) == []
    (known,) = await (await store.builds.live()).load([(view.tenant, view.chat_id)])
    assert known is not None
    assert known.person == view.person
    assert known.seq == view.seq


async def test_a_chat_that_comes_back_has_its_person_and_a_new_start(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 6, chats=1)
    before, after = log[:250], [replace(one, time=one.time + 3 * DAY) for one in log[250:]]
    await sink(store, bench).write(ViewBatch(before), step(None, 250))
    bench.hand.now += 3 * DAY
    await sink(store, bench).write(ViewBatch(after), step(250, 300))
    (expected,) = alive([*before, *after]).values()
    view = await store.get(expected.tenant, expected.chat_id)
    assert view == expected
    assert view.person.platform_user_id is not None
    assert all(line.time > after[0].time - DAY for line in view.recent)


async def test_what_is_past_is_not_shown_but_remembered(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 7, chats=2)
    bench.hand.now += 2 * DAY
    await sink(store, bench).write(ViewBatch(log), step(None, 300))
    assert await read(store, log) == {}
    assert (await store.stats())["active_chats"] == 0
    known = await (await store.builds.live()).load(list(folded(log)))
    assert [view.person for view in known] == [view.person for view in folded(log).values()]


async def test_a_log_that_is_folded_late_gives_what_it_would_have_given_in_time(
    bench: Bench,
) -> None:
    store, log = bench.open(), recent_log(bench, 13, chats=2)
    bench.hand.now += 2 * DAY
    for start in range(0, len(log), 50):  # each a writer that remembers nothing
        batch = ViewBatch(log[start : start + 50])
        await sink(store, bench).write(batch, step(start or None, start + 50))
    bench.hand.now -= 2 * DAY
    assert await read(store, log) == shown(log)


async def test_active_chats_come_latest_first_and_by_tenant(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 8, chats=9)
    await sink(store, bench).write(ViewBatch(log), step(None, 300))
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
    await sink(store, bench).write(ViewBatch(log), step(None, len(log)))
    assert await read(store, log) == shown(log)
    listed = [view for n in range(3) for view in await store.active(f"tenant-{n}")]
    assert {view.chat_id for view in listed} == {view.chat_id for view in alive(log).values()}
    assert (await store.stats())["active_chats"] == len(listed)


async def test_what_a_merged_chat_still_does_does_not_bring_it_back(bench: Bench) -> None:
    log = recent_log(bench, 11, chats=18, count=1500)
    ended = next(one for one in log[::-1] if isinstance(one.data, ChatMerged))
    await sink(bench.open(), bench).write(ViewBatch(log), step(None, len(log)))
    closed = replace(ended, data=facts.notice("late"), sequence=ended.sequence + 1)
    other = bench.open()
    await sink(other, bench).write(ViewBatch([closed]), step(len(log), len(log) + 1))
    assert await read(other, log) == shown(log)
    (known,) = await (await other.builds.live()).load([(ended.tenant, ended.chat_id)])
    assert (known.seq, known.merged_into) == (closed.sequence, ended.data.into)


async def test_counts_of_all_clients_add_up(bench: Bench) -> None:
    store, other, log = bench.open(), bench.open(), recent_log(bench, 9, chats=3)
    views = alive(log)
    await sink(store, bench).write(ViewBatch(log), step(None, 300))
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


def of_one_chat(log: list[Recorded[Fact]]) -> list[Recorded[Fact]]:
    chat = Counter(one.chat_id for one in log).most_common(1)[0][0]
    return [one for one in log if one.chat_id == chat]


def parked(one: Recorded[Fact], offset: int, reason: str | None = None) -> Parked:
    record = envelope.encode(one)
    return Parked(
        offset=offset,
        timestamp=offset,
        key=record.key,
        value=record.value,
        headers=list(record.headers),
        reason=reason,
    )


async def test_facts_wait_in_order_and_are_taken_up_once(bench: Bench) -> None:
    store, log = bench.open(), of_one_chat(recent_log(bench, 14, chats=2, count=400))[:40]
    writer, key = sink(store, bench), envelope.encode(log[0]).key
    waits = [parked(one, n, "broken" if n == 20 else None) for n, one in enumerate(log)][20:]
    batch = writer.parking(ViewBatch(log[:20]), waits[:10])
    await writer.write(batch, step(None, 30))
    await writer.write(writer.parking(ViewBatch([]), waits[10:]), step(30, 40))
    assert await writer.waiting("events", 0) == {key}
    assert await writer.waiting("events", 1) == frozenset()
    live, waiters = await bench.open().builds.live(), Waiters("events", 0, key)
    (poison,) = await live.poison()
    told = (poison.offset, poison.reason, poison.behind, poison.key, poison.topic)
    assert told == (20, "broken", 19, key, "events")
    assert await live.first(waiters, 3) == waits[:3]
    await live.blame(waiters, 20, "still", "here")
    await live.blame(waiters, 21, "not", "first")
    assert [one.reason for one in await live.first(waiters, 2)] == ["still", None]
    with pytest.raises(Fenced):
        await writer.take_up(live, log[21:23], waiters, [21, 22])
    await writer.take_up(live, log[20:35], waiters, list(range(20, 35)))
    assert await writer.waiting("events", 0) == {key}
    await writer.take_up(live, log[35:], waiters, list(range(35, 40)))
    with pytest.raises(Fenced):
        await writer.take_up(live, log[35:], waiters, list(range(35, 40)))
    assert await writer.waiting("events", 0) == frozenset()
    assert await live.poison() == []
    assert await read(store, log) == shown(log)


async def test_nothing_waits_behind_a_key_of_which_nothing_waits(bench: Bench) -> None:
    log = of_one_chat(recent_log(bench, 15, chats=2, count=400))[:40]
    writer = sink(bench.open(), bench)
    await writer.write(ViewBatch(log[:20]), step(None, 20))
    with pytest.raises(Fenced):
        await writer.write(writer.parking(ViewBatch([]), [parked(log[20], 20)]), step(20, 21))
    assert await writer.position("events", 0) == 20


async def test_a_writer_of_the_live_build_notices_another_and_takes_nothing_along(
    bench: Bench,
) -> None:
    store, log = bench.open(), recent_log(bench, 16, chats=3)
    await sink(store, bench).write(ViewBatch(log[:100]), step(None, 100))
    writer = ViewSink(store.builds.live, DAY, clock=bench.hand, reach=lambda _: None, evolve=forged)
    assert await writer.position("events", 0) == 100
    await writer.write(ViewBatch(log[100:200]), step(100, 200))
    build = await filled(store, bench, log[:200])
    async with store.builds.held() as hold:
        assert (await hold.promote(build, bench.hand.now)).name == "v1"
    with pytest.raises(Fenced):
        await writer.confirm("events", 0, 200)
    with pytest.raises(Fenced):
        await writer.write(ViewBatch(log[200:]), step(200, 300))
    assert await read(bench.open(), log) == shown(log[:200])
    assert await sink(store, bench).position("events", 0) == 200


def forged(*what: Any) -> ActiveChat | None:
    """As if the old views were wrong."""
    view = evolve(*what)
    return view and replace(view, pause=None, recent=())


async def filled(store: Any, bench: Bench, log: list[Recorded[Fact]]) -> Build:
    build = await store.builds.begin(None, WHOLE, bench.hand.now)

    async def opens() -> object:
        return store.builds.of(build)

    writer = ViewSink(opens, DAY, clock=bench.hand, reach=lambda _: None)
    await writer.write(ViewBatch(log), step(await writer.position("events", 0), len(log)))
    await store.builds.finish(build, bench.hand.now)
    return next(one for one in await store.builds.all() if one.name == build.name)


async def test_a_build_that_is_behind_is_not_promoted(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 17, chats=3)
    await sink(store, bench).write(ViewBatch(log), step(None, 300))
    build = await filled(store, bench, log[:200])
    async with store.builds.held() as hold:
        with pytest.raises(Overtaken, match="behind"):
            await hold.promote(build, bench.hand.now)
    assert await read(store, log) == shown(log)


async def test_who_could_not_hold_the_live_build_promotes_nothing(settings: Settings) -> None:
    """A lock of the system cannot be lost; a key that its holder did not renew in time is."""
    client = redis.connect(settings.views)
    bench = Bench(Hand(datetime.now(facts.BEGIN.tzinfo)), lambda: store)
    store = redis.RedisViews(client, settings.view_prefix, DAY, clock=bench.hand)
    log = recent_log(bench, 20, chats=3)
    build = await filled(store, bench, log)
    for holder in (None, "another"):
        async with store.builds.held() as hold:
            await _let_go(client, f"{settings.view_prefix}:v2:held", holder)
            with pytest.raises(Overtaken, match="let go"):
                await hold.promote(build, bench.hand.now)
            with pytest.raises(Overtaken):
                await hold.assure()
        await client.delete(f"{settings.view_prefix}:v2:held")
    assert {one.name: one.state for one in await store.builds.all()}["v1"] == "live"
    await store.close()


@pytest.mark.parametrize("method", ["files", "read"])
async def test_readers_of_files_see_one_whole_build_while_theirs_is_replaced_and_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    home = json_files.folder(f"file:{tmp_path}", "views")
    bench = Bench(Hand(datetime.now(facts.BEGIN.tzinfo)), lambda: store)
    store = json_files.JsonFileViews(home, DAY, clock=bench.hand)
    log = recent_log(bench, 22, chats=4)
    await sink(store, bench).write(ViewBatch(log), step(None, 300))
    build, views = await filled(store, bench, log), alive(log)
    (tenant, chat_id), view = next(iter(views.items()))
    looks = getattr(store._folder, method)

    def replaced(*place: Any) -> Any:
        monkeypatch.undo()
        found = list(looks(*place)) if method == "files" else None
        store.builds.promote(build, bench.hand.now)
        store.builds._drop("v1")
        return found if method == "files" else looks(*place)

    monkeypatch.setattr(store._folder, method, replaced)
    if method == "read":
        assert await store.get(tenant, chat_id) == view
    else:
        listed = await store.active(tenant)
        assert {one.chat_id for one in listed} == {own for of, own in views if of == tenant}
    assert store._folder.live() == build.name


async def test_a_hold_goes_on_for_as_long_as_its_holder_lives(settings: Settings) -> None:
    client = redis.connect(settings.views)
    bench = Bench(Hand(datetime.now(facts.BEGIN.tzinfo)), lambda: store)
    store = redis.RedisViews(client, settings.view_prefix, DAY, clock=bench.hand)
    key = f"{settings.view_prefix}:v2:held"
    async with store.builds.held() as hold, asyncio.timeout(3):
        left = await client.pttl(key)
        while (now := await client.pttl(key)) <= left:
            left = now
            await asyncio.sleep(0.02)
        await hold.assure()
    await store.close()


async def test_who_promotes_in_the_place_of_a_build_that_is_not_live_any_more_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = redis.connect(settings.views)
    bench = Bench(Hand(datetime.now(facts.BEGIN.tzinfo)), lambda: store)
    store = redis.RedisViews(client, settings.view_prefix, DAY, clock=bench.hand)
    log = recent_log(bench, 21, chats=3)
    first, second = [await filled(store, bench, log) for _ in range(2)]
    before = await store.builds.all()

    async def stale() -> list[Build]:
        return before

    await client.set(f"{settings.view_prefix}:v2:live", first.name)
    async with store.builds.held() as hold:
        monkeypatch.setattr(store.builds, "all", stale)
        with pytest.raises(Overtaken, match="promoted"):
            await hold.promote(second, bench.hand.now)
    monkeypatch.undo()
    (live,) = [one.name for one in await store.builds.all() if one.state == "live"]
    assert live == first.name
    await store.close()


async def _let_go(client: Any, key: str, holder: str | None) -> None:
    """As if the holder had been frozen for too long, and perhaps another holds by now."""
    await client.delete(key)
    if holder is not None:
        await client.set(key, holder)


async def test_a_live_writer_waits_while_it_is_held_and_others_do_not(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 18, chats=3)
    writer = sink(store, bench)
    async with store.builds.held():
        writing = asyncio.create_task(writer.write(ViewBatch(log), step(None, 300)))
        build = await filled(bench.open(), bench, log)
        assert not writing.done()
    await writing
    assert await store.builds.positions(build, "events") == {0: len(log)}
    assert await read(store, log) == shown(log)


async def test_a_build_that_was_dropped_is_gone_and_cannot_be_written(bench: Bench) -> None:
    store, log = bench.open(), recent_log(bench, 19, chats=3)
    await sink(store, bench).write(ViewBatch(log), step(None, 300))
    build = await filled(store, bench, log)
    written = store.builds.of(build)
    with pytest.raises(ProjectionRefused, match="live"):
        await store.builds.drop("v1")
    await store.builds.drop(build.name)
    assert [one.name for one in await store.builds.all()] == ["v1"]
    with pytest.raises(ProjectionRefused, match="dropped"):
        await written.position("events", 0)
    with pytest.raises(ProjectionRefused, match="dropped"):
        await written.save(list(folded(log).values()), bench.hand.now, step(300, 301))
    assert [chats async for chats in store.builds.chats(build)] == []
    assert await read(store, log) == shown(log)
    assert (await store.builds.begin(build.name, WHOLE, bench.hand.now)).name == build.name
