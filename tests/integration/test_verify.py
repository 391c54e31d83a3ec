"""What `verify` holds tables to, and what a rebuild makes of a fact that cannot be folded."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatfold.own_projections import projection
from chatfold.rebuilding import targets, verify
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.examples import daily_messages, response_times
from projections.registry import TABLES, Projection
from schemas import envelope
from schemas.envelope import Recorded
from schemas.facts import Fact
from tests.support import facts, kafka, oracle, poison, projecting, rebuilding, tables
from tests.support.commands import run
from tests.support.poison import WAYS, Grave
from tests.support.rebuilding import Command

EXAMPLES = {one.name: one for one in map(projection, (daily_messages, response_times))}


async def verified(settings: Settings, name: str, **sample: object) -> dict[str, tuple[int, int]]:
    """Of each table its rows, and how many are wrong."""
    async with targets.opened(settings, name) as target:
        chosen = verify.Sample(**sample)
        found = await verify.verify(target, "live", chosen, limit=3, stop=asyncio.Event())
        return {one.table: (one.rows, one.wrong) for one in found}


async def live(settings: Settings, log: list, folds: Projection = TABLES) -> str:
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.consuming(settings, folds, Grave().bury):
        await projecting.caught_up(settings, projection=folds)
    return topic


async def wanted(settings: Settings, log: list, of: str = "want") -> tables.Dump:
    schema = f"{settings.database_schema}_{of}"
    return await tables.expected(settings.database, schema, oracle.tables(log))


def victim_of(log: list[Recorded[Fact]]) -> Recorded[Fact]:
    """A fact in the middle of a chat's story, that rows follow from."""
    chat = Counter(one.chat_id for one in log).most_common(1)[0][0]
    told = [one for one in log if one.chat_id == chat and TABLES.evolve(one)]
    return told[len(told) // 2]


@pytest.mark.parametrize("name", EXAMPLES)
async def test_examples_are_verified_right_and_a_forged_row_wrong(
    settings: Settings, name: str
) -> None:
    settings = settings.model_copy(update={"projections": "daily_messages,response_times"})
    await live(settings, facts.log(121, chats=25, facts=2000), EXAMPLES[name])
    right = await verified(settings, name)
    assert all(rows > 0 and wrong == 0 for rows, wrong in right.values()), right
    forge = {
        "daily_messages": "UPDATE daily_messages SET received = received + 1",
        "response_times": "DELETE FROM reply_waits",
    }
    await rebuilding.run(settings, forge[name])
    assert any(wrong > 0 for _, wrong in (await verified(settings, name)).values())


async def test_a_row_of_totals_that_nothing_was_added_to_is_wrong(settings: Settings) -> None:
    settings = settings.model_copy(update={"projections": "daily_messages"})
    await live(settings, facts.log(122, chats=5, facts=300), EXAMPLES["daily_messages"])
    await rebuilding.run(
        settings,
        "INSERT INTO daily_messages (tenant_id, day, kind) VALUES ('x', '2026-01-01', 'text')",
    )
    (told,) = (await verified(settings, "daily_messages")).values()
    assert told[1] == 1


async def test_totals_of_many_chats_are_not_verified_by_some_of_them(settings: Settings) -> None:
    settings = settings.model_copy(update={"projections": "daily_messages"})
    await live(settings, facts.log(123, chats=3, facts=100), EXAMPLES["daily_messages"])
    with pytest.raises(Refusal, match="without --sample"):
        await verified(settings, "daily_messages", percent=50.0)


@pytest.mark.parametrize("way", WAYS)
async def test_tables_beside_which_facts_wait_are_verified_without_them(
    settings: Settings, way: str
) -> None:
    log = facts.log(124, chats=5, facts=600)
    victim = victim_of(log)
    await live(settings, log, WAYS[way](lambda fact_id: fact_id == victim.id))
    assert await poison.waiting(settings)
    assert {wrong for _, wrong in (await verified(settings, "tables")).values()} == {0}
    await rebuilding.run(settings, "DELETE FROM parked_facts")
    assert any(wrong for _, wrong in (await verified(settings, "tables")).values())


@pytest.mark.parametrize("way", WAYS)
async def test_a_rebuild_over_a_poison_fact_parks_it_and_is_mended_after_promotion(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    log = facts.log(125, chats=6, facts=900)
    victim = victim_of(log)
    await live(settings, log)
    broken = WAYS[way](lambda fact_id: fact_id == victim.id)
    with monkeypatch.context() as patched:
        patched.setattr(targets, "projections", lambda _: {"tables": broken})
        await rebuilding.rebuild(settings)
        async with targets.opened(settings, "tables") as target:
            build = (await target.builds())[-1]
            (fact,) = await target.waiting(build)
        await rebuilding.promote(settings)
    behind = [one for one in log if one.chat_id == victim.chat_id]
    assert fact.behind == len(behind) - behind.index(victim) - 1
    found = await tables.dump(settings.database, settings.database_schema)
    kept = [one for one in log if one not in behind or one.sequence < victim.sequence]
    assert found == await wanted(settings, kept, "kept")
    (done,) = await run(settings, "dead-letters", "replay", "--all")
    assert (done["folded"], done["reason"]) == (fact.behind + 1, None)
    await rebuilding.rebuild(settings, into="after")
    whole = await wanted(settings, log)
    assert [await rebuilding.dump(settings, build) for build in ("live", "after")] == [whole] * 2
    assert {wrong for _, wrong in (await verified(settings, "tables")).values()} == {0}


@pytest.mark.parametrize("name", ["tables", "views"])
async def test_a_rebuild_says_which_facts_it_could_not_fold(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    log = facts.log(126, chats=4, facts=300)
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log[:200])
    strange = replace(envelope.encode(log[200]), value=b"{")
    await kafka.produce(settings, topic, [strange])
    await projecting.append(settings, log[200:], seed=1)
    command = Command(settings, tmp_path / "log", "rebuild", name)
    assert await command.wait() == 0, (tmp_path / "log").read_text()
    (fact,) = command.told[-1]["waiting"]
    assert fact["behind"] == sum(one.chat_id == log[200].chat_id for one in log[200:])
    assert fact["reason"]
    stands = {row["build"]: row for row in await run(settings, "projections", "status")}
    assert stands["v2"]["waiting"] == 1
