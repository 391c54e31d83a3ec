"""Recorded inputs decided again: the same behaviour gives the same replies, another's differ."""

from datetime import UTC, datetime, timedelta

from chatfold.handlers import load
from chatfold.whatif.report import Report
from chatfold.whatif.rerun import Rerun, by_chat
from chatfold.whatif.turns import Talk, Turn, turns
from schemas import codec, envelope
from schemas.content import Usage
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.inputs import Input, JobReported
from schemas.work import GenerateAnswer, ModelOrder
from streams.decide.policy import Policy
from tests.support import assisted, story, webhooks
from tests.support.inbox import Inbox

SHOUT = load("tests.support.shouting:shout")
END = webhooks.T0 + timedelta(days=1)


def said(*words: str) -> list[Recorded[Input]]:
    found = []
    for number, text in enumerate(words):
        at = webhooks.T0 + timedelta(minutes=number)
        message = webhooks.text(text, wamid=f"wamid.{number}", user=f"49151{number % 2}", at=at)
        found += webhooks.inputs(webhooks.body(message), at=at)
    return found


def recorded(inputs: list[Recorded[Input]], policy: Policy) -> list[Recorded[Fact]]:
    inbox = Inbox(policy=policy)
    for one in inputs:
        inbox.append(one)
    inbox.drain()
    return [
        envelope.decode(codec.FACTS, value=one.value, headers=one.headers)
        for one in inbox.written("test.events.v1")
    ]


async def again(
    facts: list[Recorded[Fact]], inputs: list[Recorded[Input]], policy: Policy, **more: object
) -> list[Turn]:
    before = [one.id for one in more.pop("before", [])]
    rerun = Rerun(lambda _: policy, by_chat(facts), **more)
    await rerun.run(inputs, before, END)
    was = Talk()
    was.hear(facts)
    return turns(was, rerun.told)


WORDS = ("hello!", "how are you", "/history", "great!", "fine", "/wappa", "bye!")


async def test_the_same_behaviour_gives_the_same_replies() -> None:
    inputs, policy = said(*WORDS), story.policy()
    found = await again(recorded(inputs, policy), inputs, policy)
    assert [turn.message.text for turn in found] == list(WORDS)
    assert all(turn.was for turn in found)
    assert not any(turn.differs for turn in found)


async def test_a_chat_begins_again_as_it_was_and_not_anew() -> None:
    inputs, policy = said(*WORDS), story.policy()
    facts = recorded(inputs, policy)
    found = await again(facts, inputs[4:], policy, before=inputs[:4])
    assert len(found) == 3
    assert not any(turn.differs for turn in found)
    assert not any("Welcome" in text for turn in found for text in turn.would)


async def test_a_redelivery_is_no_second_message() -> None:
    inputs, policy = said(*WORDS), story.policy()
    facts = recorded(inputs, policy)
    found = await again(facts, [inputs[0], *inputs[4:], inputs[5]], policy, before=inputs[1:4])
    assert not any(len(turn.would) > 1 for turn in found)
    assert len(await again(facts, [inputs[1], *inputs[4:]], policy, before=inputs[:4])) == 4


async def test_another_handler_differs_where_it_answers_and_only_there() -> None:
    inputs, policy = said(*WORDS), story.policy()
    found = await again(recorded(inputs, policy), inputs, story.policy(SHOUT))
    differing = {turn.message.text: turn.would for turn in found if turn.differs}
    assert "HELLO!" in differing.pop("/history")[0]  # what it tells of would be another, too
    assert differing == {text: [text.upper()] for text in WORDS if text.endswith("!")}


async def test_a_model_that_is_asked_answers_in_place_of_what_was_recorded() -> None:
    inputs = said("hello!", "how are you", "great!")
    asked: list[ModelOrder] = []

    async def ask(tenant: str, order: ModelOrder) -> JobReported:
        asked.append(order)
        usage = Usage(model="m", seconds=1.5, tokens_in=10, tokens_out=5, cost_micros=20)
        return JobReported(
            job_id=order.job_id,
            attempt=order.attempt,
            started_at=webhooks.T0,
            finished_at=webhooks.T0,
            text=f"answer {len(asked)}",
            usage=usage,
        )

    found = await again(recorded(inputs, story.policy()), inputs, assisted.policy(), ask=ask)
    assert all(isinstance(order, GenerateAnswer) for order in asked)
    answers = sorted(turn.would[0] for turn in found)
    assert answers == ["answer 1", "answer 2", "answer 3"]
    assert all(turn.differs for turn in found)
    assert sum(len(turn.would_usages) for turn in found) == len(asked) > 0


def test_the_page_lets_nobody_write_into_it() -> None:
    evil = "<script>alert(1)</script>"
    was, would = Talk(), Talk()
    inputs = said(evil)
    facts = recorded(inputs, story.policy())
    was.hear(facts)
    would.hear(facts)
    would.replies.clear()
    report = Report(
        handler="x:y",
        prompt=evil,
        model=None,
        tenant=None,
        since=datetime(2026, 1, 1, tzinfo=UTC),
        until=datetime(2026, 1, 2, tzinfo=UTC),
        made_at=datetime(2026, 1, 2, tzinfo=UTC),
        inputs=1,
        unknown=0,
        turns=turns(was, would),
    )
    page = report.html()
    assert evil not in page
    assert "&lt;script&gt;" in page
    assert codec.loads(report.json())["differing"] == 1
