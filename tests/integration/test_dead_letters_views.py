"""A poison fact in the views on real servers: its chat waits, others go on, nothing is lost."""

import asyncio
from collections import Counter

import pytest

from chatfold.settings import Settings
from projections.sink import ProjectionRefused
from schemas.dead_letters import ORIGIN, PROJECTION
from schemas.envelope import Recorded
from schemas.facts import Fact, MessageReceived
from schemas.topics import Topics
from tests.support import facts, projecting, rebuilding, viewing
from tests.support.commands import run
from tests.support.poison import Grave
from tests.support.viewing import WAYS


@pytest.fixture(params=["valkey", "json files"])
def stored(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    return settings if request.param == "valkey" else viewing.in_files(settings)


def victim_of(log: list[Recorded[Fact]]) -> Recorded[Fact]:
    """A fact in the middle of a chat's story that makes its view another one."""
    ended = {one.chat_id for one in log} - {chat for _, chat in projecting.folded(log)}
    counted = Counter(one.chat_id for one in log if one.chat_id not in ended)
    chat = counted.most_common(1)[0][0]
    told = [one for one in log if one.chat_id == chat and isinstance(one.data, MessageReceived)]
    return told[len(told) // 2]


async def caught_up(settings: Settings) -> None:
    """Return when the live build's position is the end of the log."""
    topic = Topics(settings.topic_prefix).events
    store = projecting.views_store(settings)
    async with asyncio.timeout(60):
        for number, end in (await projecting.ends(settings, topic)).items():
            while (await (await store.builds.live()).position(topic, number) or 0) < end:
                await asyncio.sleep(0.05)
    await store.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_poison_fact_parks_its_chat_and_a_replay_after_the_fix_mends_all(
    stored: Settings, way: str
) -> None:
    log = projecting.recently(facts.log(321, chats=8, facts=1200))
    first, later, last = log[:800], log[800:1000], log[1000:]
    victim, grave = victim_of(first), Grave()
    broken = WAYS[way](lambda fact_id: fact_id == victim.id)
    await projecting.prepare(stored)
    await projecting.append(stored, first)
    async with projecting.viewing(stored, grave.bury, **broken):
        await projecting.append(stored, later, seed=1)
        await caught_up(stored)
        others = {
            chat: view
            for chat, view in projecting.folded(log[:1000]).items()
            if chat[1] != victim.chat_id
        }
        await viewing.shown(stored, others)
    assert {dict(letter.headers)[PROJECTION] for letter in grave.letters} == {b"views"}
    assert len({dict(letter.headers)[ORIGIN] for letter in grave.letters}) == 1
    behind = [one for one in log[:1000] if one.chat_id == victim.chat_id]
    (fact,) = await run(stored, "dead-letters", "list", "--waiting")
    assert (fact["projection"], fact["chat_id"]) == ("views", victim.chat_id)
    assert fact["behind"] == len(behind) - behind.index(victim) - 1
    async with projecting.viewing(stored, grave.bury):
        (done,) = await run(stored, "dead-letters", "replay", "--all", "--projection", "views")
        assert (done["folded"], done["reason"]) == (fact["behind"] + 1, None)
        await projecting.append(stored, last, seed=2)
        await projecting.viewed(stored, log)
        assert await run(stored, "dead-letters", "replay", "--all") == []
        await projecting.viewed(stored, log)
        await rebuilding.rebuild(stored, "views")
        found = await rebuilding.diff(stored, "live", "v2", of="views")
        assert (found.is_exact, found.is_equal) == (True, True)


async def test_a_chat_that_was_let_go_while_the_writer_runs_is_folded_on(stored: Settings) -> None:
    """What the writer remembers of the chat, and that it waits, is checked in each step."""
    log = projecting.recently(facts.log(322, chats=2, facts=400))
    victim = victim_of(log[:200])
    poisonous = {victim.id}
    broken = viewing.unfoldable(poisonous.__contains__)
    await projecting.prepare(stored)
    async with projecting.viewing(stored, Grave().bury, **broken):
        await projecting.append(stored, log[:200])
        await caught_up(stored)
        poisonous.clear()
        assert len(await run(stored, "dead-letters", "replay", "--all")) == 1
        await projecting.append(stored, log[200:], seed=1)
        await projecting.viewed(stored, log)
    assert await run(stored, "dead-letters", "list", "--waiting") == []


async def test_a_replay_beside_a_busy_writer_loses_nothing(stored: Settings) -> None:
    log = projecting.recently(facts.log(323, chats=3, facts=2000))
    victim = victim_of(log[:100])
    poisonous = {victim.id}
    broken = viewing.unfoldable(poisonous.__contains__)
    await projecting.prepare(stored)
    async with projecting.viewing(stored, Grave().bury, **broken):
        await projecting.append(stored, log[:200])
        await caught_up(stored)
        poisonous.clear()
        appending = asyncio.create_task(projecting.append(stored, log[200:], seed=1))
        while not appending.done():
            await viewing.redrive(stored)
        await appending
        await caught_up(stored)
        await viewing.redrive(stored)
        await projecting.viewed(stored, log)
        assert await viewing.redrive(stored) == []


async def test_views_of_which_none_can_be_made_stop_the_writer(stored: Settings) -> None:
    log = projecting.recently(facts.log(324, chats=40, facts=400))
    grave = Grave()
    await projecting.prepare(stored)
    await projecting.append(stored, log)
    with pytest.raises(ProjectionRefused, match="not a poison fact but a defect"):
        async with projecting.viewing(stored, grave.bury, **viewing.unfoldable(lambda _: True)):
            await asyncio.sleep(60)
    assert len(grave.letters) <= 10 * stored.partitions


async def test_a_discarded_fact_stays_out_and_those_behind_it_come_in(stored: Settings) -> None:
    log = projecting.recently(facts.log(325, chats=2, facts=200))
    victim = victim_of(log)
    await projecting.prepare(stored)
    await projecting.append(stored, log)
    broken = viewing.undecodable(lambda fact_id: fact_id == victim.id)
    async with projecting.viewing(stored, Grave().bury, **broken):
        await caught_up(stored)
    (letter,) = await run(stored, "dead-letters", "list", "--waiting")
    (done,) = await run(stored, "dead-letters", "discard", letter["origin"])
    assert done["folded"] == letter["behind"]
    await viewing.shown(stored, projecting.folded([one for one in log if one is not victim]))
    await run(stored, "dead-letters", "discard", letter["origin"], code=2)


async def test_what_waits_in_the_tables_can_be_seen_while_the_store_of_views_is_away(
    settings: Settings,
) -> None:
    await projecting.prepare(settings)
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    assert await run(away, "dead-letters", "list") == []
