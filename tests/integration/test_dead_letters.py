"""A poison fact on real servers: its chat waits, others go on, and nothing is lost or doubled."""

import asyncio
import time
from collections import Counter

import pytest

from chatfold.settings import Settings
from projections.registry import TABLES
from projections.sink import ProjectionRefused
from schemas.dead_letters import ORIGIN, PROJECTION
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.topics import Topics
from tests.support import facts, kafka, oracle, poison, projecting, tables
from tests.support.commands import run
from tests.support.poison import WAYS, Grave


def victim_of(log: list[Recorded[Fact]]) -> Recorded[Fact]:
    """A fact in the middle of a chat's story, that rows follow from."""
    chat = Counter(one.chat_id for one in log).most_common(1)[0][0]
    told = [one for one in log if one.chat_id == chat and TABLES.evolve(one)]
    return told[len(told) // 2]


async def wanted(settings: Settings, log: list) -> tables.Dump:
    schema = f"{settings.database_schema}_want"
    return await tables.expected(settings.database, schema, oracle.tables(log))


async def found(settings: Settings) -> tables.Dump:
    return await tables.dump(settings.database, settings.database_schema)


@pytest.mark.parametrize("way", WAYS)
async def test_a_poison_fact_parks_its_chat_and_a_replay_after_the_fix_mends_all(
    settings: Settings, way: str
) -> None:
    log = facts.log(21, chats=8, facts=1600)
    first, later, last = log[:1100], log[1100:1400], log[1400:]
    victim, grave = victim_of(first), Grave()
    chat = [one for one in first if one.chat_id == victim.chat_id]
    broken = WAYS[way](lambda fact_id: fact_id == victim.id)
    await projecting.prepare(settings)
    await projecting.append(settings, first)
    async with projecting.consuming(settings, broken, grave.bury):
        await projecting.caught_up(settings)
    before = chat[: chat.index(victim)]
    waiting = await poison.waiting(settings)
    assert [reason is not None for _, _, reason in waiting] == [True] + [False] * (
        len(chat) - len(before) - 1
    )
    assert {dict(letter.headers)[PROJECTION] for letter in grave.letters} == {b"tables"}
    assert len({dict(letter.headers)[ORIGIN] for letter in grave.letters}) == 1
    async with projecting.consuming(settings, TABLES, grave.bury):
        await projecting.append(settings, later, seed=1)
        await projecting.caught_up(settings)
        (done,) = await poison.redrive(settings)
        await projecting.append(settings, last, seed=2)
        await projecting.caught_up(settings)
    assert done.reason is None
    assert done.folded == len(log_of(first + later, victim.chat_id)) - len(before)
    assert await poison.waiting(settings) == []
    assert await found(settings) == await wanted(settings, log)
    assert await poison.redrive(settings) == []


def log_of(log: list[Recorded[Fact]], chat_id: str) -> list[Recorded[Fact]]:
    return [one for one in log if one.chat_id == chat_id]


@pytest.mark.parametrize("way", WAYS)
async def test_the_rows_of_other_chats_are_there_while_one_waits(
    settings: Settings, way: str
) -> None:
    log = facts.log(23, chats=5, facts=800)
    victim = victim_of(log)
    kept = [one for one in log if one.chat_id != victim.chat_id or one.sequence < victim.sequence]
    await projecting.prepare(settings)
    async with projecting.consuming(
        settings, WAYS[way](lambda fact_id: fact_id == victim.id), Grave().bury
    ):
        began = time.monotonic()
        await projecting.append(settings, log)
        await projecting.caught_up(settings)
        print(f"caught up {time.monotonic() - began:.2f} s after the first append")
    assert await found(settings) == await wanted(settings, kept)


async def test_a_chat_that_was_let_go_while_the_projector_runs_is_folded_on(
    settings: Settings,
) -> None:
    """What the projector remembers of waiting chats is checked in each transaction."""
    log = facts.log(24, chats=2, facts=300)
    victim = victim_of(log[:150])
    poisonous = {victim.id}
    broken = poison.unfoldable(poisonous.__contains__)
    await projecting.prepare(settings)
    async with projecting.consuming(settings, broken, Grave().bury):
        await projecting.append(settings, log[:150])
        await projecting.caught_up(settings)
        assert await poison.waiting(settings)
        poisonous.clear()
        await poison.redrive(settings, broken)
        await projecting.append(settings, log[150:], seed=1)
        await projecting.caught_up(settings)
    assert await poison.waiting(settings) == []
    assert await found(settings) == await wanted(settings, log)


async def test_a_replay_beside_a_busy_projector_loses_and_doubles_nothing(
    settings: Settings,
) -> None:
    log = facts.log(25, chats=3, facts=3000)
    victim = victim_of(log[:100])
    poisonous = {victim.id}
    broken = poison.unwritable(poisonous.__contains__)
    await projecting.prepare(settings)
    async with projecting.consuming(settings, broken, Grave().bury):
        await projecting.append(settings, log[:200])
        await projecting.caught_up(settings)
        poisonous.clear()
        appending = asyncio.create_task(projecting.append(settings, log[200:], seed=1))
        while not appending.done():
            await poison.redrive(settings, broken)
            await asyncio.sleep(0)
        await appending
        await projecting.caught_up(settings)
    await poison.redrive(settings, broken)
    assert await found(settings) == await wanted(settings, log)


async def test_a_fact_that_still_cannot_be_folded_keeps_its_chat_waiting(
    settings: Settings,
) -> None:
    log = facts.log(26, chats=1, facts=60)
    told = [one for one in log if TABLES.evolve(one)]
    poisonous = {told[20].id, told[30].id}
    broken = poison.unfoldable(poisonous.__contains__)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.consuming(settings, broken, Grave().bury):
        await projecting.caught_up(settings)
    poisonous.remove(told[20].id)
    (done,) = await poison.redrive(settings, broken)
    assert done.folded > 0
    assert "ZeroDivisionError" in done.reason
    (first, *_) = await poison.waiting(settings)
    assert first[1:] == (done.stuck_at, done.reason)
    poisonous.clear()
    await poison.redrive(settings, broken)
    assert await found(settings) == await wanted(settings, log)


async def test_a_projection_that_can_fold_nothing_stops_and_says_so(settings: Settings) -> None:
    log = facts.log(27, chats=40, facts=400)
    grave = Grave()
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    with pytest.raises(ProjectionRefused, match="not a poison fact but a defect"):
        async with projecting.consuming(settings, poison.unfoldable(lambda _: True), grave.bury):
            await asyncio.sleep(60)
    assert len(grave.letters) <= 10 * settings.partitions


async def test_operators_see_replay_and_discard_what_waits(settings: Settings) -> None:
    log = facts.log(28, chats=3, facts=240)
    victim = victim_of(log)
    names = Topics(settings.topic_prefix)
    await projecting.prepare(settings)
    await projecting.append(settings, log)

    async def append(letter):
        await kafka.produce(settings, names.dead_letters, [letter])

    broken = poison.unfoldable(lambda fact_id: fact_id == victim.id)
    async with projecting.consuming(settings, broken, append):
        await projecting.caught_up(settings)
    (letter,) = await run(settings, "dead-letters", "list", "--waiting")
    assert (letter["chat_id"], letter["projection"]) == (victim.chat_id, "tables")
    assert letter["behind"] == len(await poison.waiting(settings)) - 1
    (shown,) = await run(settings, "dead-letters", "show", letter["origin"])
    assert "ZeroDivisionError" in shown["stack"]
    (done,) = await run(settings, "dead-letters", "replay", letter["origin"])
    assert done["folded"] == letter["behind"] + 1
    assert await found(settings) == await wanted(settings, log)
    assert await run(settings, "dead-letters", "replay", "--all") == []
    assert await run(settings, "dead-letters", "list", "--waiting") == []
    assert await run(settings, "dead-letters", "list") == []
    (settled,) = await run(settings, "dead-letters", "list", "--all")
    assert settled["waits"] is False
    assert (settled["settled"]["did"], settled["settled"]["projection"]) == ("replayed", "tables")


async def test_a_discarded_fact_stays_out_and_those_behind_it_come_in(settings: Settings) -> None:
    log = facts.log(29, chats=2, facts=200)
    victim = victim_of(log)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    broken = poison.unfoldable(lambda fact_id: fact_id == victim.id)
    async with projecting.consuming(settings, broken, Grave().bury):
        await projecting.caught_up(settings)
    (letter,) = await run(settings, "dead-letters", "list")
    (done,) = await run(settings, "dead-letters", "discard", letter["origin"])
    assert done["folded"] == letter["behind"]
    assert await poison.waiting(settings) == []
    await run(settings, "dead-letters", "discard", letter["origin"], code=2)
