"""An order that an agent cannot read: it has failed, its chat goes on, and it is never done."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from chatfold import clock
from chatfold.settings import Settings
from schemas import identity
from schemas.envelope import Record, Recorded
from schemas.facts import (
    AnswerGiven,
    AnswerRequested,
    DeliveryAbandoned,
    JobAbandoned,
    JobFailed,
    MediaJobRequested,
    MediaStored,
    MessageSendFailed,
    MessageSent,
    QuestionAnswered,
    QuestionAsked,
    ReplyGenerated,
)
from schemas.inputs import Input, RetryDelivery, RetryJob
from schemas.tenants import Assistant, MediaSettings, Models
from tests.support import kafka, later
from tests.support import town as towns
from tests.support.commands import run
from tests.support.town import CHAT, TENANT, Town, until

UNREADABLE = "order_unreadable"


@pytest.fixture
async def town(settings: Settings, tmp_path: Path) -> AsyncIterator[Town]:
    async with towns.town(settings, tmp_path, lambda here: [answering(here)]) as ready:
        yield ready


def answering(town: Town, responder: str = "echo"):
    return town.tenant(
        responder=responder,
        models=Models(base_url=town.box.models_url, api_key="env:KEY_ONE"),
        assistant=Assistant(quiet_seconds=0, retry_seconds=()),
        media=MediaSettings(store_retry_seconds=()),
    )


async def wants(town: Town, action: Input) -> None:
    """An operator wants it."""
    own_id = identity.derive("a click", str(action))
    wanted = Recorded(
        id=own_id,
        time=clock.now(),
        source="/chatfold/cli",
        tenant=TENANT,
        chat_id=CHAT,
        causation_id=own_id,
        correlation_id=own_id,
        data=action,
    )
    await kafka.produce_inputs(town.settings, [wanted])


async def unread(town: Town, topic: str, orders: int = 1) -> Sequence[Record]:
    """Let the orders be of a later version, once there are so many."""

    async def there() -> bool:
        return len(await kafka.read_all(town.settings, topic)) >= orders

    await until(there, f"{orders} orders")
    return await later.written_later(town.settings, topic)


async def letter(town: Town, reported: str) -> dict:
    """The letter of what was reported; to replay it is refused."""

    async def there() -> list[dict]:
        return await run(town.settings, "dead-letters", "list")

    (found,) = await until(there, "the letter")
    assert found["reported"] == reported
    await run(town.settings, "dead-letters", "replay", found["origin"], code=2)
    return found


async def test_a_reply_that_the_agent_cannot_read_waits_for_an_operator_and_the_next_is_sent(
    town: Town,
) -> None:
    await town.start("gateway", "decider")
    await town.says("Hello")
    reply = await town.fact(ReplyGenerated)
    [order] = await unread(town, town.topics.work_delivery)
    await town.start("delivery")
    left = await town.fact(DeliveryAbandoned)
    assert (left.reply_id, left.error_code) == (reply.reply_id, UNREADABLE)
    assert "cannot read the order" in (await town.fact(MessageSendFailed)).error_message
    await town.says("Still there?")
    await town.fact(MessageSent)
    assert len(town.taken()) == 1
    await letter(town, f"reply/{reply.reply_id}/1")
    await kafka.produce(town.settings, town.topics.work_delivery, [order])  # now it can be read
    await wants(town, RetryDelivery(reply_id=reply.reply_id, by="ada"))
    sent = await town.fact(MessageSent, 2)
    assert (sent.reply_id, sent.attempt) == (reply.reply_id, 2)
    await town.says("Thanks")
    await town.fact(MessageSent, 3)
    assert len(town.taken()) == 3


async def test_a_job_on_a_file_that_the_agent_cannot_read_is_given_up_and_done_if_asked_for(
    town: Town,
) -> None:
    await town.start("gateway", "decider")
    assert await town.post(town.picture()) == 200
    asked = await town.fact(MediaJobRequested)
    await unread(town, town.topics.work_media)
    await town.start("media")
    assert (await town.fact(JobAbandoned)).error_code == UNREADABLE
    assert (await town.fact(JobFailed)).job_id == asked.job_id
    assert await town.post(town.picture()) == 200
    await town.fact(MediaStored)
    await letter(town, f"job/{asked.job_id}/1")
    await wants(town, RetryJob(job_id=asked.job_id, by="ada"))
    await town.fact(MediaStored, 2)


async def test_an_answer_that_the_agent_cannot_read_is_given_up_and_the_next_is_given(
    town: Town,
) -> None:
    await town.know(answering(town, "llm"))
    await town.start("gateway", "decider")
    await town.says("Hello")
    asked = await town.fact(AnswerRequested)
    [order] = await unread(town, town.topics.work_reply)
    await town.start("reply")
    assert (await town.fact(JobAbandoned)).error_code == UNREADABLE
    await letter(town, f"job/{asked.job_id}/1")
    await kafka.produce(town.settings, town.topics.work_reply, [order])  # now it can be read
    await town.says("Still there?")
    await town.fact(AnswerGiven, 2)  # the first in the tenant's own words
    assert len([one for one in town.box.journal.find(provider="openai") if one.accepted]) == 1


async def test_a_question_that_the_agent_cannot_read_is_answered_with_the_reason(
    town: Town,
) -> None:
    await town.start("gateway", "decider")
    await town.says("/STATS")
    asked = await town.fact(QuestionAsked)
    await unread(town, town.topics.work_reply)
    await town.start("reply")
    told = await town.fact(QuestionAnswered)
    assert told.question_id == asked.question_id
    assert "cannot read the order" in told.error
    await letter(town, f"question/{asked.question_id}/1")


async def test_an_order_whose_headers_tell_nothing_either_is_a_dead_letter_only(
    town: Town,
) -> None:
    await town.start("gateway", "decider", "delivery")
    await town.says("Hello")
    await town.fact(MessageSent)
    strange = [Record(CHAT.encode(), b"{}", []), Record(CHAT.encode(), None, [("ce_id", b"\xff")])]
    await kafka.produce(town.settings, town.topics.work_delivery, strange)

    async def there() -> bool:
        return len(await run(town.settings, "dead-letters", "list")) == 2

    await until(there, "the letters")
    assert {one["reported"] for one in await run(town.settings, "dead-letters", "list")} == {None}
    await town.says("Still there?")
    await town.fact(MessageSent, 2)
    assert await town.facts(MessageSendFailed) == []
