"""A rebuild over a poison fact: it parks the chat, says so, and ends as if there had been none."""

from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest

from chatfold.rebuilding import targets
from chatfold.rebuilding import views as views_target
from chatfold.settings import Settings
from schemas.envelope import Recorded
from schemas.facts import Fact, MessageReceived
from tests.support import facts, oracle, poison, projecting, rebuilding, tables, viewing
from tests.support.commands import run
from tests.support.poison import Grave

STORES = ("tables", "valkey", "json files")


@pytest.fixture(params=STORES)
def stored(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """The name of the projection is in the settings' home."""
    found = viewing.in_files(settings) if request.param == "json files" else settings
    return found.model_copy(update={"home": settings.home / request.param.replace(" ", "-")})


def of(settings: Settings) -> str:
    return "tables" if settings.home.name == "tables" else "views"


def victim_of(log: list[Recorded[Fact]]) -> Recorded[Fact]:
    """A message in the middle of the longest story of a chat that goes on."""
    lasting = {chat for _, chat in projecting.folded(log)}
    chat = Counter(one.chat_id for one in log if one.chat_id in lasting).most_common(1)[0][0]
    told = [one for one in log if one.chat_id == chat and isinstance(one.data, MessageReceived)]
    return told[len(told) // 2]


async def follow(settings: Settings, is_poison: Callable[[str], bool] = lambda _: False) -> None:
    """Let the live build follow the log to its end."""
    if of(settings) == "tables":
        async with projecting.consuming(settings, poison.unfoldable(is_poison), Grave().bury):
            await projecting.caught_up(settings)
        return
    broken = viewing.unfoldable(is_poison)
    async with projecting.viewing(settings, Grave().bury, **broken) as (_, store):
        await viewing.caught_up(settings, store)


@contextmanager
def defect(monkeypatch: pytest.MonkeyPatch, is_poison: Callable[[str], bool]):
    """While the block runs a rebuild is made by a program that cannot fold the fact."""
    with monkeypatch.context() as patched:
        broken = poison.unfoldable(is_poison)
        patched.setattr(targets, "projections", lambda _: {"tables": broken})
        patched.setattr(views_target, "evolve", viewing.unfoldable(is_poison)["evolve"])
        yield


async def assert_is_fold(settings: Settings, log: list[Recorded[Fact]], name: str) -> None:
    """The live build is what the log makes, but for chats that are left out of it."""
    if of(settings) == "tables":
        schema = f"{settings.database_schema}_{name}"
        wanted = await tables.expected(settings.database, schema, oracle.tables(log))
        assert await tables.dump(settings.database, settings.database_schema) == wanted
    else:
        await viewing.shown(settings, projecting.folded(log))


async def waiting(settings: Settings) -> list[dict[str, Any]]:
    return await run(settings, "dead-letters", "list", "--waiting")


async def test_a_rebuild_that_parked_a_chat_is_mended_by_a_replay_after_its_promotion(
    stored: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = projecting.recently(facts.log(361, chats=6, facts=900))
    victim, name = victim_of(log), of(stored)
    await projecting.prepare(stored)
    await projecting.append(stored, log)
    await follow(stored)
    behind = [one for one in log if one.chat_id == victim.chat_id]
    behind = behind[behind.index(victim) :]
    with defect(monkeypatch, lambda fact_id: fact_id == victim.id):
        async with targets.opened(stored, name) as target:
            build = await rebuilding.rebuild(stored, name)
            (told,) = await target.waiting(build)
        await rebuilding.promote(stored, of=name)
    assert (told.behind, "ZeroDivisionError" in told.reason) == (len(behind) - 1, True)
    await assert_is_fold(stored, [one for one in log if one not in behind], "kept")
    (listed,) = await waiting(stored)
    assert (listed["origin"], listed["chat_id"]) == (told.origin, victim.chat_id)
    (done,) = await run(stored, "dead-letters", "replay", "--all")
    assert (done["folded"], done["reason"]) == (len(behind), None)
    await assert_is_fold(stored, log, "want")
    assert await waiting(stored) == []


async def test_a_rebuild_by_the_mended_program_takes_the_place_of_what_was_parked(
    stored: Settings,
) -> None:
    log = projecting.recently(facts.log(362, chats=6, facts=900))
    victim, name = victim_of(log[:600]), of(stored)
    await projecting.prepare(stored)
    await projecting.append(stored, log[:600])
    await follow(stored, lambda fact_id: fact_id == victim.id)
    assert len(await waiting(stored)) == 1
    await rebuilding.rebuild(stored, name)
    await rebuilding.promote(stored, of=name)
    assert await waiting(stored) == []
    assert await run(stored, "dead-letters", "replay", "--all") == []
    await projecting.append(stored, log[600:], seed=1)
    await follow(stored)
    await assert_is_fold(stored, log, "want")
    assert not any(one["wrong"] for one in await run(stored, "projections", "verify", name))


async def test_a_replay_before_the_promotion_of_a_build_that_parked_the_same_is_not_lost(
    stored: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each build has its own waiting facts: what is replayed is of the live one."""
    log = projecting.recently(facts.log(363, chats=6, facts=600))
    victim, name = victim_of(log), of(stored)
    await projecting.prepare(stored)
    await projecting.append(stored, log)
    await follow(stored, lambda fact_id: fact_id == victim.id)
    with defect(monkeypatch, lambda fact_id: fact_id == victim.id):
        await rebuilding.rebuild(stored, name)
    assert len(await run(stored, "dead-letters", "replay", "--all")) == 1
    await assert_is_fold(stored, log, "replayed")
    await rebuilding.promote(stored, of=name)
    assert len(await waiting(stored)) == 1
    assert len(await run(stored, "dead-letters", "replay", "--all")) == 1
    await assert_is_fold(stored, log, "want")
