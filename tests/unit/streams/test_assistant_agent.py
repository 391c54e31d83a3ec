"""The assistant answers every question, if only with why it cannot."""

import asyncio

import pytest

from schemas import identity
from schemas.envelope import Recorded
from schemas.inputs import AnswerReported
from schemas.work import AnswerQuestion, Question
from streams.agents import assistant
from streams.agents.assistant import Assistant
from streams.ports import Leaving
from streams.window import Left
from tests.support import agents
from tests.support.ports import Away, MemoryLog, MemoryViews, Ticking

QUESTION = Recorded(
    id="order",
    time=agents.AT,
    source="/chatfold/decider",
    tenant="acme",
    chat_id="chat",
    causation_id="cause",
    correlation_id="first",
    data=AnswerQuestion(question_id="q", question=Question.VIEW_STATS),
)


async def answered(views: MemoryViews, log: MemoryLog) -> Recorded[AnswerReported]:
    agent = Assistant(views=views, log=log, inbox="inbox", now=Ticking())
    await agent.handle(QUESTION, Leaving())
    [recorded] = log.inputs("inbox")
    return recorded


async def test_a_question_is_answered_in_the_name_of_its_chain() -> None:
    recorded = await answered(MemoryViews({"reachable": True}), MemoryLog())
    assert recorded.data == AnswerReported(question_id="q", answer={"reachable": True})
    assert recorded.id == identity.answer_id("q")
    assert (recorded.causation_id, recorded.correlation_id) == ("order", "first")
    assert recorded.source == "/chatfold/agent/reply"


async def test_why_there_is_no_answer_is_an_answer() -> None:
    recorded = await answered(MemoryViews(ConnectionError("away " * 100)), MemoryLog())
    assert recorded.data.answer == {}
    assert recorded.data.error is not None
    assert recorded.data.error.startswith("ConnectionError: away")
    assert len(recorded.data.error) <= 300


async def test_an_answer_that_takes_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistant, "ANSWER_SECONDS", 0.01)

    class Stuck(MemoryViews):
        async def view_stats(self) -> dict[str, object]:
            await asyncio.sleep(10)
            return {}

    recorded = await answered(Stuck({}), MemoryLog())
    assert recorded.data.error is not None
    assert "TimeoutError" in recorded.data.error


async def test_the_log_is_waited_for_unless_it_must_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.patience.FIRST_PAUSE", 0.001)
    await answered(MemoryViews({}), MemoryLog(away=Away(3)))
    leaving = Leaving()
    leaving.set()
    log = MemoryLog(away=Away(3))
    agent = Assistant(views=MemoryViews({}), log=log, inbox="inbox", now=Ticking())
    with pytest.raises(Left):
        await agent.handle(QUESTION, leaving)


async def test_an_order_that_is_not_its_own_is_an_error() -> None:
    agent = Assistant(views=MemoryViews({}), log=MemoryLog(), inbox="inbox", now=Ticking())
    with pytest.raises(TypeError):
        await agent.handle(agents.order(1, 0), Leaving())
