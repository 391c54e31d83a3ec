"""A human takes a chat over and gives it back, through every role on real servers."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from chatfold.settings import Settings
from schemas.content import ActionTaken, Origin, PauseReason
from schemas.facts import BotPaused, BotResumed, MessageSent, SendRequested
from tests.support import town as towns
from tests.support.town import CHAT, TENANT, Town, until

SECOND = 1 / 3600
ROLES = ("gateway", "decider", "delivery", "projector", "api")


@pytest.fixture
async def town(settings: Settings, tmp_path: Path) -> AsyncIterator[Town]:
    async with towns.town(settings, tmp_path, lambda here: [here.tenant()]) as ready:
        yield ready


async def is_paused(town: Town, *, paused: bool) -> None:
    """Wait until operators see the chat so."""

    async def is_so() -> bool:
        status, chat = await town.ask("GET", f"/v1/chats/{CHAT}")
        return status == 200 and chat["is_paused"] is paused

    await until(is_so, f"is_paused to be {paused}")


async def test_a_human_takes_over_by_writing_and_the_bot_is_back_when_they_have_been_silent(
    town: Town,
):
    await town.know(town.tenant(auto_resume_hours=4 * SECOND))
    await town.start(*ROLES)
    assert (await town.says("Hello")).action is ActionTaken.REPLIED
    await town.fact(MessageSent)
    echo = await town.human_says("Ada here, let me see")
    assert (echo.origin, echo.action) == (Origin.HUMAN, ActionTaken.PAUSED)
    paused = await town.fact(BotPaused)
    assert (paused.reason, paused.by) == (PauseReason.HUMAN_TAKEOVER, None)
    await is_paused(town, paused=True)
    assert (await town.says("Thank you")).action is ActionTaken.IGNORED_PAUSED
    assert await town.answers(f"wamid.{town.said}") == []
    resumed = await town.fact(BotResumed)
    assert (resumed.is_automatic, resumed.by) == (True, None)
    await is_paused(town, paused=False)
    assert (await town.says("And now?")).action is ActionTaken.REPLIED
    await town.fact(MessageSent, 2)
    assert len(town.taken()) == 2

    async def recorded() -> bool:
        (row,) = await town.rows("SELECT count(*) AS count FROM processed_events")
        return row["count"] >= 4

    await until(recorded, "what was done with each message to be in the tables")


async def test_the_time_is_counted_from_the_humans_last_word(town: Town):
    wait = 5
    await town.know(town.tenant(auto_resume_hours=wait * SECOND))
    await town.start("gateway", "decider", "delivery")
    await town.says("Hello")
    await town.fact(MessageSent)
    await town.human_says("Ada here")
    await town.says("Thank you")
    await town.human_says("One moment")
    await town.fact(BotResumed)
    times = {
        type(one.data).__name__: one.time
        for one in await town.recorded()
        if getattr(one.data, "origin", None) is Origin.HUMAN or isinstance(one.data, BotResumed)
    }
    assert times["BotResumed"] - times["MessageReceived"] >= timedelta(seconds=wait)
    assert len(await town.facts(BotPaused)) == 1


async def test_an_operator_pauses_writes_and_resumes_by_the_api(town: Town):
    await town.start(*ROLES)
    await town.says("Hello")
    await town.fact(MessageSent)
    await is_paused(town, paused=False)
    path = f"/v1/chats/{CHAT}"
    assert (await town.ask("POST", f"{path}/pause"))[0] == 202
    paused = await town.fact(BotPaused)
    assert (paused.reason, paused.by) == (PauseReason.MANUAL_PAUSE, "ada")
    assert (await town.says("Anybody?")).action is ActionTaken.IGNORED_PAUSED
    assert (await town.ask("POST", f"{path}/messages", {"text": "Ada here"}))[0] == 202
    await town.fact(SendRequested)
    await town.fact(MessageSent, 2)
    assert town.taken()[-1] == "Ada here"
    assert (await town.ask("POST", f"{path}/resume"))[0] == 202
    resumed = await town.fact(BotResumed)
    assert (resumed.is_automatic, resumed.by) == (False, "ada")
    assert (await town.says("And now?")).action is ActionTaken.REPLIED


async def test_cron_resumes_only_those_whose_time_is_over(town: Town):
    """No timer is due: the tenant's hours were many when the chat was paused."""
    await town.know(town.tenant(auto_resume_hours=9_000))
    await town.start(*ROLES)
    await town.says("Hello")
    await town.fact(MessageSent)
    await town.human_says("Ada here")
    await is_paused(town, paused=True)
    assert await town.ask("POST", "/cron/auto-resume") == (202, {"looked_at": 1})
    assert (await town.says("Thank you")).action is ActionTaken.IGNORED_PAUSED
    assert await town.facts(BotResumed) == []
    status, _ = await town.ask("PUT", f"/v1/tenants/{TENANT}", await shorter(town))
    assert status == 202

    async def resumed() -> list[BotResumed]:
        await town.ask("POST", "/cron/auto-resume")
        return await town.facts(BotResumed)

    (fact,) = await until(resumed, "the bot to be back")
    assert (fact.is_automatic, fact.by) == (True, "ada")
    assert (await town.says("And now?")).action is ActionTaken.REPLIED


async def shorter(town: Town) -> dict:
    """The tenant with a pause of a second."""
    _, shown = await town.ask("GET", f"/v1/tenants/{TENANT}")
    return shown | {"auto_resume_hours": SECOND}
