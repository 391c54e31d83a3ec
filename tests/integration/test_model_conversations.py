"""People talk with a model through every role: it knows what was said, and fails with grace."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatfold.sandbox import Fault, Match, Received
from chatfold.settings import Settings
from schemas.content import ActionTaken
from schemas.facts import (
    AnswerGiven,
    ConversationSummarised,
    JobFailed,
    ModelCalled,
    ReplyGenerated,
)
from schemas.tenants import Assistant, Models
from tests.support import town as towns
from tests.support.town import Town, until

PRICES = {"gpt-4o-mini": {"tokens_in": 1.0, "tokens_out": 2.0}}
FALLBACK = "Please call us."


@pytest.fixture
async def town(settings: Settings, tmp_path: Path) -> AsyncIterator[Town]:
    def tenants(here: Town) -> list:
        models = Models(base_url=here.box.models_url, api_key="env:KEY_ONE", prices=PRICES)
        assistant = Assistant(
            system_prompt="You are a bakery.",
            quiet_seconds=2,
            retry_seconds=(0.1, 0.1),
            fallback_text=FALLBACK,
        )
        return [here.tenant(responder="llm", models=models, assistant=assistant)]

    async with towns.town(settings, tmp_path, tenants) as ready:
        await ready.start("gateway", "decider", "reply", "delivery")
        yield ready


def asked(town: Town) -> list[Received]:
    """What the model was asked."""
    return list(town.box.journal.find(provider="openai"))


async def taken(town: Town, count: int) -> list[str]:
    """The replies that the person has, once there are so many."""

    async def met() -> list[str]:
        entries = town.box.journal.find(provider="whatsapp_cloud")
        found = [str(one.text) for one in entries if one.accepted and one.is_send]
        return found if len(found) >= count else []

    return await until(met, f"{count} replies")


async def test_a_burst_is_answered_once_and_what_was_said_is_known_from_then_on(town: Town):
    for words in ("Have you bread?", "And cake <b>?"):
        assert await town.post(town.words(words)) == 200
    [first] = await taken(town, 1)
    assert "Have you bread? And cake <b>?" in first
    await town.says("Then two, please.")
    await taken(town, 2)
    assert len(asked(town)) == 2
    system, user, assistant, last = asked(town)[-1].body["messages"]
    assert system["content"].startswith("You are a bakery.")
    assert "And cake &lt;b&gt;?" in user["content"]
    assert assistant == {"role": "assistant", "content": first}
    assert 'unanswered="yes">Then two, please.' in last["content"]
    assert 'unanswered="yes"' not in user["content"]
    called = await town.facts(ModelCalled)
    assert all(one.usage.cost_micros for one in called)
    assert len(await town.facts(AnswerGiven)) == 2


async def test_a_closed_conversation_is_summed_up_for_the_next(town: Town):
    town.box.sayings.answer("I want two loaves", "Two loaves, noted.")
    await town.says("I want two loaves")
    await taken(town, 1)
    await town.says("/CLOSE")
    summary = await town.fact(ConversationSummarised)
    assert summary.text.startswith("Summary")
    await town.says("Hello again")
    await until(lambda: is_asked(town, "Hello again"), "the model to be asked")
    told = asked(town)[-1].body["messages"][0]["content"]
    assert f"<before>{summary.text}</before>" in told


async def is_asked(town: Town, words: str) -> bool:
    return any(words in str(one.text) for one in asked(town))


async def test_what_may_pass_is_tried_again_and_what_does_not_is_said_with_the_tenants_words(
    town: Town,
):
    town.box.faults.add(Fault(fault="cut_stream", match=Match(text="bread")))
    await town.says("Have you bread?")
    [answer] = await taken(town, 1)
    assert "Have you bread?" in answer
    [failed] = await town.facts(JobFailed)
    assert (failed.error_code, failed.retryable) == ("malformed_answer", True)
    town.box.faults.add(Fault(fault="500", match=Match(text="cake"), times=None))
    await town.says("Have you cake?")
    assert (await taken(town, 2))[1] == FALLBACK
    assert sum("cake" in str(one.text) for one in asked(town)) == 3
    given = (await town.facts(AnswerGiven))[-1]
    assert (given.usage, given.action) == (None, ActionTaken.REPLIED)
    replies = await town.facts(ReplyGenerated)
    assert [one.handler for one in replies] == ["assistant", "assistant"]
