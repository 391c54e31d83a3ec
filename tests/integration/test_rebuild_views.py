"""Views rebuilt on a real Kafka, Valkey and file system: beside the live ones, and swapped in."""

import asyncio
import signal
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chatfold import clock
from chatfold.rebuilding import standing, swap, targets
from chatfold.rebuilding import views as rebuilding_views
from chatfold.settings import Settings
from projections import views
from projections.sink import ProjectionRefused
from tests.support import archiving, commands_run, facts, projecting, rebuilding, viewing
from tests.support.commands import run
from tests.support.poison import Grave
from tests.support.rebuilding import Command


@pytest.fixture(params=["valkey", "json files"])
def stored(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    return settings if request.param == "valkey" else viewing.in_files(settings)


async def live(settings: Settings, log: list, **broken: object) -> None:
    """Views that have followed the log to its end."""
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.viewing(settings, **broken) as (_, store):
        await quiet(settings, store, topic)


async def quiet(settings: Settings, store: object, topic: str) -> None:
    async with asyncio.timeout(60):
        for number, end in (await projecting.ends(settings, topic)).items():
            while (await (await store.builds.live()).position(topic, number) or 0) < end:
                await asyncio.sleep(0.05)


async def rebuild(settings: Settings, **how: object) -> object:
    return await rebuilding.rebuild(settings, "views", **how)


async def diff(settings: Settings, first: str, second: str, **how: object) -> object:
    return await rebuilding.diff(settings, first, second, of="views", **how)


async def test_rebuilt_views_are_equal_to_the_live_ones_at_the_same_offsets(
    stored: Settings,
) -> None:
    log = projecting.recently(facts.log(301, chats=25, facts=2500))
    await live(stored, log)
    build = await rebuild(stored)
    assert (build.name, build.state) == ("v2", "ready")
    found = await diff(stored, "live", "v2")
    assert (found.is_exact, found.is_equal) == (True, True)
    [table] = found.tables
    assert table.rows[0] == table.rows[1] >= len(projecting.folded(log)) > 0


async def test_wrong_views_are_found_and_mended_and_a_rollback_takes_that_back(
    stored: Settings,
) -> None:
    log = projecting.recently(facts.log(302, chats=12, facts=900))
    await live(stored, log, evolve=nameless)
    await rebuild(stored)
    found = await diff(stored, "live", "v2")
    [table] = found.tables
    assert found.is_exact
    assert not found.is_equal
    assert set(table.examples[0].columns) == {"person"}
    done = await rebuilding.promote(stored, of="views")
    assert (done.now, done.before) == ("v2", "v1")
    await projecting.viewed(stored, log)
    assert (await rebuilding.roll_back(stored, "views")).now == "v1"
    wrong = {chat: view for chat, view in projecting.folded(log).items() if view.person.platform}
    store = projecting.views_store(stored)
    assert all([(await store.get(*chat)) != view for chat, view in wrong.items()])
    await store.close()


def nameless(view: object, recorded: object, lifetime: timedelta) -> object:
    found = views.evolve(view, recorded, lifetime)
    return found and replace(found, person=replace(found.person, platform=None))


async def test_a_promotion_is_never_seen_by_readers_and_the_writer_goes_on(
    stored: Settings,
) -> None:
    log = projecting.recently(facts.log(303, chats=20, facts=3000))
    await live(stored, log[:1500])
    async with projecting.viewing(stored), viewing.watched(stored, log) as reader:
        appending = asyncio.create_task(projecting.append(stored, log[1500:2500], seed=1))
        await rebuild(stored)
        await rebuilding.promote(stored, of="views")
        await rebuilding.roll_back(stored, "views")
        await rebuilding.promote(stored, "v2", of="views")
        await appending
        await projecting.append(stored, log[2500:], seed=2)
        await projecting.viewed(stored, log)
        same = await diff(stored, "live", "v1")
        assert (same.is_exact, same.is_equal) == (True, True)
    assert not reader.shrunk
    assert reader.looks > 5


async def test_what_the_writer_remembers_of_wrong_views_is_not_taken_along(
    stored: Settings,
) -> None:
    log = projecting.recently(facts.log(304, chats=6, facts=900))
    await live(stored, log[:300], evolve=nameless)
    await projecting.append(stored, log[300:600], seed=1)
    async with projecting.viewing(stored) as (_, store):  # with what the wrong fold has left
        await quiet(stored, store, f"{stored.topic_prefix}.events.v1")
        await rebuild(stored)
        await rebuilding.promote(stored, of="views")
        await projecting.append(stored, log[600:], seed=2)
        await projecting.viewed(stored, log)


async def test_what_kafka_no_longer_has_comes_from_the_archive(stored: Settings) -> None:
    log = projecting.recently(facts.log(305, chats=15, facts=1500))
    topic = await projecting.prepare(stored)
    await projecting.append(stored, log[:1200])
    async with archiving.archiving(stored):
        await archiving.archived(stored, topic)
    await archiving.truncate(stored, topic, share=1)
    await projecting.append(stored, log[1200:], seed=1)
    await rebuild(stored, into="whole")
    await rebuilding.promote(stored, "whole", of="views")
    await projecting.viewed(stored, log)
    async with projecting.viewing(stored) as (_, store):  # which could not have begun anew
        await quiet(stored, store, topic)


async def test_views_of_a_lost_log_are_not_rebuilt_silently(stored: Settings) -> None:
    topic = await projecting.prepare(stored)
    await projecting.append(stored, facts.log(306, chats=3, facts=300))
    await projecting.truncate(stored, topic)
    with pytest.raises(ProjectionRefused, match=r"holds offsets [1-9]\d* to .*archive"):
        await rebuild(stored)


async def test_a_part_of_the_log_can_be_compared_but_not_promoted(stored: Settings) -> None:
    log = projecting.recently(facts.log(307, chats=9, facts=600))
    await live(stored, log)
    await rebuild(stored, into="one", tenant="tenant-1")
    found = await diff(stored, "live", "one")
    [table] = found.tables
    assert 0 < table.rows[1] < table.rows[0]
    assert {row.only_in for row in table.examples} == {"first"}
    with pytest.raises(ProjectionRefused, match="holds a part of the log only"):
        await rebuilding.promote(stored, "one", of="views")


async def test_builds_are_listed_told_of_and_dropped(stored: Settings) -> None:
    log = projecting.recently(facts.log(308, chats=4, facts=200))
    await live(stored, log)
    await rebuild(stored, into="spare")
    async with targets.opened(stored, "views") as target:
        listed = {one.build: one.state for one in await standing.listed(target)}
        assert listed == {"v1": "live", "spare": "ready"}
        told = {one.build: one for one in await standing.standing(target, clock.now())}
        assert told["spare"].position == told["v1"].position > 0
        assert (told["spare"].lag_records, told["spare"].waiting) == (0, 0)
        assert told["spare"].heartbeat is not None
        with pytest.raises(ProjectionRefused, match="is live"):
            await swap.drop(target, ["live"])
        assert await swap.drop(target, ["spare"]) == ["spare"]
        with pytest.raises(ProjectionRefused, match="There is no build spare"):
            await swap.drop(target, ["spare"])
    assert await viewing.left_of(stored, "spare") == []
    await projecting.viewed(stored, log)


@pytest.mark.parametrize("point", ["before_write", "after_write", "before_write:2"])
async def test_a_rebuild_killed_between_any_two_steps_goes_on_where_it_was(
    stored: Settings, point: str
) -> None:
    log = projecting.recently(facts.log(310, chats=150, facts=3000))
    await live(stored, log)
    words = ("projections", "rebuild", "views", "--into", "ended")
    killed = await asyncio.to_thread(
        commands_run.run, stored, *words, CHATFOLD_FAILPOINT=f"views.{point}"
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = await asyncio.to_thread(commands_run.run, stored, *words)
    assert again.returncode == 0, again.stderr
    found = await diff(stored, "live", "ended")
    assert (found.is_exact, found.is_equal) == (True, True)
    assert found.tables[0].rows[0] == found.tables[0].rows[1]


async def test_a_poison_fact_waits_in_a_rebuild_as_it_does_in_the_live_views(
    stored: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = projecting.recently(facts.log(311, chats=6, facts=400))
    victim = log[200]
    broken = viewing.unfoldable(lambda fact_id: fact_id == victim.id)
    topic = await projecting.prepare(stored)
    await projecting.append(stored, log)
    async with projecting.viewing(stored, Grave().bury, **broken) as (_, store):
        await quiet(stored, store, topic)
    monkeypatch.setattr(rebuilding_views, "evolve", broken["evolve"])
    await rebuild(stored)
    assert (await diff(stored, "live", "v2")).is_equal
    async with targets.opened(stored, "views") as target:
        told = {one.build: one.waiting for one in await standing.standing(target, clock.now())}
    assert told == {"v1": 1, "v2": 1}


async def test_the_commands_do_for_views_what_they_do_for_tables(settings: Settings) -> None:
    log = projecting.recently(facts.log(309, chats=8, facts=900))
    await live(settings, log)
    command = Command(settings, settings.home / "log", "rebuild", "views", "--parallel", "2")
    assert await command.wait() == 0, (settings.home / "log").read_text()
    *progress, build = command.told
    assert (build["name"], build["state"]) == ("v2", "ready")
    assert (progress[-1]["step"], progress[-1]["ratio"]) == ("ready", 1.0)
    assert (await run(settings, "projections", "diff", "views"))["is_equal"]
    assert (await run(settings, "projections", "promote", "views"))["now"] == "v2"
    listed = await run(settings, "projections", "list")
    assert {"tables", "views"} <= {row["projection"] for row in listed}
    assert (await run(settings, "projections", "rollback", "views"))["now"] == "v1"
    assert await run(settings, "projections", "drop", "views", "v2") == {"dropped": ["v2"]}
    (told,) = await run(settings, "projections", "verify", "views")
    assert (told["table"], told["wrong"]) == ("views", 0)
    await projecting.viewed(settings, log)
