"""A send whose end nobody saw: confirmed by what the provider tells, or not."""

from datetime import timedelta

import pytest

from schemas.content import Evidence, Status
from schemas.facts import (
    ConfirmationTimedOut,
    MessageSendConfirmed,
    MessageSent,
    MessageStatusReported,
    RetryStarted,
)
from schemas.inputs import RetryDelivery, Timer
from streams.decide.delivery import reference
from streams.decide.timers import next_due
from tests.support.story import Story, kinds, one, policy

MINUTE = timedelta(minutes=1)


def lost(**settings) -> Story:
    """A story whose one reply nobody saw end."""
    story = Story(policy(**settings))
    story.says("one")
    story.lose()
    return story


def test_later_replies_wait_while_it_may_still_be_told_whether_one_was_sent():
    story = lost()
    assert story.says("two").orders == ()
    assert next_due(story.state, story.policy) == (story.now + 2 * MINUTE, Timer.CONFIRMATION)


@pytest.mark.parametrize("word", [Status.SENT, Status.DELIVERED, Status.READ])
def test_a_status_with_our_reference_confirms_that_it_was_sent(word):
    story = lost()
    story.says("two")
    told = story.status(word, "wamid.out", of=story.sends[0])
    confirmed = one(told, MessageSendConfirmed)
    assert (confirmed.platform_message_id, confirmed.by) == ("wamid.out", Evidence.STATUS)
    assert "two" in told.orders[0].content.text
    assert story.state.held == ()


def test_it_is_confirmed_once():
    story = lost()
    story.status(Status.SENT, "wamid.out", of=story.sends[0])
    again = story.status(Status.READ, "wamid.out", of=story.sends[0])
    assert kinds(again) == ["MessageStatusReported"]


def test_a_status_that_it_failed_is_final():
    story = lost()
    told = story.status(Status.FAILED, "wamid.out", of=story.sends[0])
    assert kinds(told) == ["MessageSendConfirmed", "MessageStatusReported", "DeliveryAbandoned"]
    assert kinds(story.wakes()) == ["ConversationClosing", "ConversationClosed"]


def test_a_status_before_the_report_confirms_as_soon_as_that_says_that_nobody_knows():
    story = Story()
    story.says("one")
    story.status(Status.DELIVERED, "wamid.out", of=story.sends[0])
    decision = story.lose()
    assert kinds(decision) == ["MessageSendUnconfirmed", "MessageSendConfirmed"]
    assert story.state.held == ()


def test_a_failure_before_the_report_is_remembered_until_it():
    story = Story()
    story.says("one")
    told = story.status(Status.FAILED, "wamid.out", of=story.sends[0])
    assert kinds(told) == ["MessageStatusReported"]
    assert kinds(story.report()) == ["MessageSent", "DeliveryAbandoned"]


def test_an_echo_with_our_reference_confirms_that_it_was_sent():
    story = lost()
    order = story.sends[0]
    named = reference(order.reply_id, order.attempt)
    told = story.echoes("odd words", "wamid.out", is_own=True, reference=named)
    assert kinds(told) == ["EchoRecognised", "MessageSendConfirmed"]
    assert one(told, MessageSendConfirmed).by is Evidence.ECHO


@pytest.mark.parametrize("is_own", [True, False])
def test_an_echo_of_the_same_words_confirms_that_it_was_sent(is_own):
    story = lost()
    told = story.echoes(story.sends[0].content.text, "wamid.out", is_own=is_own)
    assert kinds(told) == ["EchoRecognised", "MessageSendConfirmed"]
    assert story.state.pause is None


def test_after_the_grace_time_it_is_held_and_later_replies_go_on():
    story = lost()
    story.says("two")
    decision = story.wakes()
    assert kinds(decision) == ["ConfirmationTimedOut"]
    assert "two" in decision.orders[0].content.text
    assert len(story.state.held) == 1


def test_it_can_still_be_confirmed_after_the_grace_time():
    story = lost()
    story.wakes()
    told = story.status(Status.DELIVERED, "wamid.out", of=story.sends[0])
    assert one(told, MessageSendConfirmed).reply_id == story.sends[0].reply_id


def test_after_the_grace_time_a_human_may_say_the_same():
    story = lost()
    story.wakes()
    told = story.echoes(story.sends[0].content.text, "wamid.human")
    assert kinds(told) == ["MessageReceived", "BotPaused"]


def test_a_tenant_may_have_it_sent_again():
    story = lost(unconfirmed="resend")
    story.says("two")
    decision = story.wakes()
    assert kinds(decision) == ["RetryStarted"]
    assert one(decision, RetryStarted).attempt == decision.orders[0].attempt == 2
    assert decision.orders[0].reply_id == story.sends[0].reply_id


def test_later_replies_wait_for_what_is_sent_again():
    story = lost(unconfirmed="resend")
    story.says("two")
    story.wakes()
    assert "two" in story.report().orders[0].content.text


def test_it_is_not_sent_again_for_ever():
    story = lost(unconfirmed="resend", retries=(MINUTE,))
    assert "RetryStarted" in kinds(story.wakes())
    story.lose()
    assert kinds(story.wakes()) == ["ConfirmationTimedOut"]


def test_the_tenant_chooses_the_grace_time():
    story = lost(confirmation=timedelta(seconds=20))
    lost_at = story.now
    assert one(story.wakes(), ConfirmationTimedOut).attempt == 1
    assert story.now == lost_at + timedelta(seconds=20)


def test_an_operator_may_have_it_sent_again():
    story = lost()
    decision = story.wants(RetryDelivery(reply_id=story.sends[0].reply_id, by="ada"))
    assert kinds(decision) == ["RetryRequested"]
    assert decision.orders[0].attempt == 2


def test_what_is_told_of_an_earlier_attempt_confirms_no_later_one():
    story = lost()
    first = story.sends[0]
    story.wants(RetryDelivery(reply_id=first.reply_id, by="ada"))
    story.lose()
    assert kinds(story.status(Status.SENT, "wamid.1st", of=first)) == ["MessageStatusReported"]
    assert "MessageSendConfirmed" in kinds(
        story.status(Status.SENT, "wamid.2nd", of=story.sends[-1])
    )


def test_a_status_without_reference_that_comes_before_the_name_finds_its_reply_afterwards():
    story = Story()
    story.says("one")
    early = one(story.status(Status.DELIVERED, "wamid.out"), MessageStatusReported)
    assert early.attempt == 0
    sent = story.report(platform_message_id="wamid.out")
    assert kinds(sent) == ["MessageSent", "MessageStatusReported"]
    found = one(sent, MessageStatusReported)
    assert (found.message_id, found.attempt) == (story.sends[0].reply_id, 1)
    assert story.state.early == ()


def test_a_status_of_somebody_elses_message_is_forgotten_when_the_send_has_ended():
    story = Story()
    story.says("one")
    story.status(Status.READ, "wamid.of.another")
    assert kinds(story.report()) == ["MessageSent"]
    assert story.state.early == ()


def test_a_failure_told_before_the_name_is_heard_with_it():
    story = Story()
    story.says("one")
    story.status(Status.FAILED, "wamid.out")
    sent = story.report(platform_message_id="wamid.out")
    assert kinds(sent) == ["MessageSent", "MessageStatusReported", "DeliveryAbandoned"]


def test_a_reply_that_was_accepted_and_failed_later_waits_for_an_operator():
    story = Story()
    story.says("one")
    story.report(platform_message_id="wamid.out")
    failed = story.status(Status.FAILED, "wamid.out")
    assert kinds(failed) == ["MessageStatusReported", "DeliveryAbandoned"]
    again = story.wants(RetryDelivery(reply_id=story.sends[0].reply_id, by="ada"))
    assert again.orders[0].attempt == 2


def test_what_has_arrived_before_the_report_cannot_fail_any_more():
    story = Story()
    story.says("one")
    story.status(Status.DELIVERED, "wamid.out", of=story.sends[0])
    story.status(Status.FAILED, "wamid.out", of=story.sends[0])
    assert kinds(story.report(platform_message_id="wamid.out")) == ["MessageSent"]


def test_a_reply_that_failed_later_is_abandoned_once_however_often_that_is_told():
    story = Story()
    story.says("one")
    story.report(platform_message_id="wamid.out")
    story.status(Status.FAILED, "wamid.out")
    assert kinds(story.status(Status.FAILED, "wamid.out")) == ["MessageStatusReported"]


def test_what_was_told_to_have_failed_and_then_to_have_arrived_waits_for_nobody():
    story = Story()
    story.says("one")
    story.report(platform_message_id="wamid.out")
    assert kinds(story.status(Status.FAILED, "wamid.out"))[-1] == "DeliveryAbandoned"
    told = story.status(Status.DELIVERED, "wamid.out")
    assert kinds(told) == ["MessageSendConfirmed", "MessageStatusReported"]
    assert story.state.held == ()


def test_a_lost_send_that_has_arrived_cannot_fail_any_more():
    story = lost()
    order = story.sends[0]
    story.status(Status.DELIVERED, "wamid.out", of=order)
    assert kinds(story.status(Status.FAILED, "wamid.out", of=order)) == ["MessageStatusReported"]
    assert story.state.held == ()


def test_a_refused_reply_that_arrived_nevertheless_is_not_sent_again():
    for is_told_first in (True, False):
        story = Story()
        story.says("one")
        if is_told_first:
            story.status(Status.DELIVERED, "wamid.out", of=story.sends[0])
        story.refuse("provider_down")
        if not is_told_first:
            story.status(Status.DELIVERED, "wamid.out", of=story.sends[0])
        assert story.state.held == ()
        story.later(minutes=2)
        story.says("two")
        assert [(one.attempt, one.content.text[:9]) for one in story.sends[1:]] == [
            (1, "Echo: two")
        ]


def test_a_reply_that_was_sent_without_a_name_gets_it_from_whoever_tells_it_first():
    for is_told_first in (True, False):
        story = Story()
        story.says("one")
        told = [
            lambda s=story: s.report(platform_message_id=None, of=s.sends[0]),
            lambda s=story: s.status(Status.DELIVERED, "wamid.out", of=s.sends[0]),
        ]
        for tell in reversed(told) if is_told_first else told:
            tell()
        kind = MessageSent if is_told_first else MessageSendConfirmed
        names = [fact.platform_message_id for fact in story.facts if isinstance(fact, kind)]
        assert names == ["wamid.out"]
