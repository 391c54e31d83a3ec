"""A chat that joins an older one brings to its end what its model and its files had begun."""

import pytest

from schemas.content import MessageKind
from schemas.facts import (
    AnswerDiscarded,
    AnswerGiven,
    ConversationClosed,
    JobRetryRequested,
    MediaStored,
)
from schemas.inputs import RetryJob, Timer
from tests.support.assisted import AssistedStory, policy
from tests.support.story import kinds, one
from tests.unit.decide.test_linking import link


def joins(story: AssistedStory) -> None:
    """The chat joins an older one."""
    story.take(story.told(link(), "link-1"))
    assert story.state.merged_into is not None


def test_what_is_awaited_is_still_answered_and_the_conversation_closes_after_that():
    story = AssistedStory()
    story.says("Hello")
    joins(story)
    assert not any(isinstance(fact, AnswerDiscarded) for fact in story.facts)
    assert kinds(story.fires(Timer.ANSWER)) == []
    story.wakes()
    decision = story.ends(story.asked[-1], text="Hi")
    assert one(decision, AnswerGiven).answers == ("wamid.1",)
    assert not any(isinstance(fact, ConversationClosed) for fact in story.facts)
    assert kinds(story.report())[-2:] == ["SummaryRequested", "ConversationClosed"]


def test_what_the_model_thinks_about_is_still_answered():
    story = AssistedStory(policy(quiet=0))
    story.says("Hello")
    joins(story)
    assert one(story.ends(story.asked[-1], text="Hi"), AnswerGiven).answers == ("wamid.1",)


def test_an_attempt_is_made_again_in_the_chat_that_began_it():
    story = AssistedStory(policy(quiet=0))
    story.says("Hello")
    joins(story)
    story.fails(story.asked[-1])
    story.wakes()
    assert story.asked[-1].attempt == 2


def test_what_comes_later_is_answered_by_the_chat_that_goes_on():
    story = AssistedStory(policy(quiet=0))
    story.says("Hello")
    joins(story)
    decision = story.says("Again")
    assert decision.is_passed_on
    assert decision.facts == ()


@pytest.mark.parametrize("is_known", [True, False])
def test_only_its_own_jobs_are_retried_in_it(is_known):
    story = AssistedStory()
    story.sends_file(MessageKind.STICKER)
    story.fails(story.files[-1], "media_unavailable")
    joins(story)
    job_id = story.files[-1].job_id if is_known else "another"
    decision = story.wants(RetryJob(job_id=job_id, by="ada"))
    assert decision.is_passed_on is not is_known
    if is_known:
        assert one(decision, JobRetryRequested).attempt == 2
        assert one(story.ends(story.files[-1]), MediaStored).attempt == 2
