"""What becomes of a reply that was refused."""

from datetime import timedelta

import pytest

from schemas.content import SendOutcome, Status
from schemas.facts import (
    DeliveryAbandoned,
    MessageSendFailed,
    RetryRequested,
    RetryScheduled,
    RetryStarted,
)
from schemas.inputs import RetryDelivery, Timer
from streams.decide.timers import next_due
from tests.support.story import Story, kinds, one, policy

MINUTE = timedelta(minutes=1)


def restart(story):
    while "RetryStarted" not in kinds(story.wakes()):
        pass


def test_a_refusal_that_may_pass_is_tried_again_when_its_time_has_come():
    story = Story()
    story.says("one")
    refused = story.refuse("throttled")
    assert kinds(refused) == ["MessageSendFailed", "RetryScheduled"]
    assert refused.orders == ()
    again = story.wakes()
    assert kinds(again) == ["RetryStarted"]
    (order,) = again.orders
    assert (order.reply_id, order.attempt) == (story.sends[0].reply_id, 2)
    assert order.content == story.sends[0].content


@pytest.mark.parametrize(("failures", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60)])
def test_each_wait_is_as_long_as_the_schedule_says_and_a_little_longer(failures, minutes):
    story = Story()
    story.says("one")
    for _ in range(failures - 1):
        story.refuse()
        restart(story)
    due = one(story.refuse(), RetryScheduled).due
    assert minutes * MINUTE <= due - story.now <= 1.1 * minutes * MINUTE


def test_a_reply_that_found_its_account_crowded_comes_again_until_the_provider_was_asked():
    story = Story()
    story.says("one")
    for _ in range(20):
        assert "DeliveryAbandoned" not in kinds(story.refuse("crowded"))
        restart(story)
    due = one(story.refuse(), RetryScheduled).due
    assert MINUTE <= due - story.now <= 1.1 * MINUTE  # the first wait of the schedule


def test_the_little_longer_differs_from_reply_to_reply_and_is_always_the_same_for_one():
    def waits(count):
        story = Story()
        for _ in range(count):
            story.says("x")
            yield one(story.refuse(), RetryScheduled).due - story.now
            story.wakes()
            story.report()

    assert list(waits(3)) == list(waits(3))
    assert len(set(waits(3))) == 3


def test_the_tenant_chooses_the_waits():
    story = Story(policy(retries=(timedelta(seconds=10),)))
    story.says("one")
    story.refuse()
    story.wakes()
    assert story.now - story.sends[0].received_at <= timedelta(seconds=11)
    assert kinds(story.refuse()) == ["MessageSendFailed", "DeliveryAbandoned"]


def test_a_longer_wait_that_the_provider_asks_for_is_honoured():
    story = Story()
    story.says("one")
    due = one(story.refuse(retry_after_seconds=900.0), RetryScheduled).due
    assert due == story.now + timedelta(minutes=15)


def test_a_shorter_wait_that_the_provider_asks_for_changes_nothing():
    story = Story()
    story.says("one")
    assert one(story.refuse(retry_after_seconds=1.0), RetryScheduled).due >= story.now + MINUTE


def test_nobody_is_kept_waiting_for_more_than_a_day():
    story = Story()
    story.says("one")
    due = one(story.refuse(retry_after_seconds=1e12), RetryScheduled).due
    assert due == story.now + timedelta(days=1)


def test_after_the_last_retry_the_reply_waits_for_an_operator():
    story = Story()
    story.says("one")
    for _ in range(4):
        assert "RetryScheduled" in kinds(story.refuse())
        restart(story)
    last = story.refuse()
    assert kinds(last) == ["MessageSendFailed", "DeliveryAbandoned"]
    assert one(last, DeliveryAbandoned).attempt == 5
    assert len(story.sends) == 5


def test_a_lasting_failure_is_abandoned_at_once_and_the_next_reply_leaves():
    story = Story()
    story.says("one")
    story.says("two")
    refused = story.refuse("blocked_by_user")
    assert one(refused, DeliveryAbandoned).error_code == "blocked_by_user"
    assert not one(refused, MessageSendFailed).retryable
    assert "two" in refused.orders[0].content.text


def test_later_replies_wait_behind_one_that_is_tried_again():
    story = Story()
    story.says("one")
    story.says("two")
    assert story.refuse().orders == ()
    assert story.says("three").orders == ()
    story.wakes()
    assert "two" in story.report().orders[0].content.text
    assert "three" in story.report().orders[0].content.text


def test_later_replies_do_not_wait_longer_than_the_tenant_allows():
    story = Story(policy(order_wait=timedelta(minutes=3)))
    story.says("one")
    story.says("two")
    first_refused_at = story.now
    story.refuse()
    story.wakes()
    story.refuse()
    released = story.wakes()
    assert story.now == first_refused_at + timedelta(minutes=3)
    assert kinds(released) == ["LaterRepliesReleased"]
    assert "two" in released.orders[0].content.text


def test_a_reply_that_was_overtaken_leaves_later_and_holds_nobody():
    story = Story(policy(order_wait=timedelta(0)))
    story.says("one")
    story.says("two")
    refused = story.refuse()
    assert not one(refused, RetryScheduled).holds_later
    overtaking = refused.orders[0]
    assert "two" in overtaking.content.text
    assert story.wakes().orders == ()
    again = story.report(of=overtaking)
    assert (again.orders[0].reply_id, again.orders[0].attempt) == (story.sends[0].reply_id, 2)


def test_a_retry_that_is_due_waits_for_the_reply_in_flight_and_goes_before_new_ones():
    story = Story(policy(order_wait=timedelta(0)))
    story.says("one")
    story.says("two")
    story.refuse()
    story.says("three")
    story.wakes()
    assert [reply.attempt for reply in story.state.outbox] == [1, 2, 1]


def test_whatever_arrives_after_the_time_starts_the_retry_though_the_timer_is_late():
    story = Story()
    story.says("one")
    story.refuse()
    story.later(hours=1)
    assert kinds(story.says("two"))[0] == "RetryStarted"


def test_a_timer_that_fires_too_early_starts_nothing():
    story = Story()
    story.says("one")
    story.refuse()
    story.later(seconds=59)
    assert kinds(story.fires(Timer.RETRY)) == []


def test_an_operator_retries_what_was_given_up():
    story = Story()
    story.says("one")
    story.refuse("unauthenticated")
    decision = story.wants(RetryDelivery(reply_id=story.sends[0].reply_id, by="ada"))
    assert one(decision, RetryRequested).by == "ada"
    assert decision.orders[0].attempt == 2
    assert kinds(story.report()) == ["MessageSent"]
    assert story.state.held == ()


def test_an_operator_need_not_wait_for_the_next_retry():
    story = Story()
    story.says("one")
    story.refuse()
    decision = story.wants(RetryDelivery(reply_id=story.sends[0].reply_id, by="ada"))
    assert decision.orders[0].attempt == 2
    due = next_due(story.state, story.policy)
    assert due[1] is Timer.IDLE_CLOSE


def test_a_reply_that_an_operator_retries_has_all_its_retries_again():
    story = Story(policy(retries=(MINUTE,)))
    story.says("one")
    story.refuse()
    story.wakes()
    story.refuse()
    story.wants(RetryDelivery(reply_id=story.sends[0].reply_id, by="ada"))
    assert "RetryScheduled" in kinds(story.refuse())
    assert kinds(story.wakes()) == ["RetryStarted"]
    assert story.sends[-1].attempt == 4


def test_an_operators_retry_goes_before_replies_that_wait_behind_another():
    story = Story()
    story.says("one")
    story.refuse("blocked_by_user")
    story.says("two")
    story.refuse("throttled")
    story.says("three")
    decision = story.wants(RetryDelivery(reply_id=story.sends[0].reply_id, by="ada"))
    assert "one" in decision.orders[0].content.text
    assert story.report().orders == ()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda story: None, "the reply is on its way"),
        (lambda story: story.report(), "the reply was sent"),
    ],
)
def test_a_retry_of_what_does_not_wait_is_refused_with_the_reason(happens, reason):
    story = Story()
    story.says("one")
    happens(story)
    decision = story.wants(RetryDelivery(reply_id=story.sends[0].reply_id, by="ada"))
    (refused,) = decision.facts
    assert (refused.command, refused.by, refused.reason) == ("RetryDelivery", "ada", reason)
    assert decision.orders == ()


def test_a_retry_of_an_unknown_reply_is_refused():
    story = Story()
    decision = story.wants(RetryDelivery(reply_id="nothing", by="ada"))
    assert kinds(decision) == ["CommandRefused"]


def test_of_too_many_that_wait_for_an_operator_the_oldest_is_forgotten():
    story = Story()
    for number in range(25):
        story.says(f"{number}")
        story.refuse("blocked_by_user")
    assert len(story.state.held) == 20
    assert story.state.held[-1].reply.reply_id == story.sends[-1].reply_id


def test_a_conversation_closes_though_a_reply_is_still_to_be_retried_in_an_hour():
    story = Story(policy(retries=(timedelta(hours=1),)))
    story.says("one")
    story.says("/CLOSE")
    story.refuse()
    assert story.state.conversation is not None
    released = story.wakes()
    assert kinds(released) == ["LaterRepliesReleased"]
    assert "ConversationClosed" in kinds(story.report(of=story.sends[1]))
    assert kinds(story.wakes()) == ["RetryStarted"]
    assert kinds(story.report()) == ["MessageSent"]


def test_a_report_of_an_earlier_attempt_changes_nothing():
    story = Story()
    story.says("one")
    story.refuse()
    story.wakes()
    assert kinds(story.report(of=story.sends[0])) == []
    assert kinds(story.report(SendOutcome.SENT)) == ["MessageSent"]


def test_a_retry_starts_with_the_fact_that_names_its_attempt():
    story = Story()
    story.says("one")
    story.refuse()
    assert one(story.wakes(), RetryStarted).attempt == story.sends[-1].attempt == 2


def test_of_several_retries_that_are_due_the_reply_that_was_first_goes_first():
    story = Story(policy(order_wait=timedelta(0)))
    for words in ("one", "two", "three", "four"):
        story.says(words)
    story.refuse()
    story.refuse()
    story.later(minutes=2)
    story.fires(Timer.RETRY)
    assert [reply.attempt for reply in story.state.outbox] == [1, 2, 2, 1]
    order = [reply.reply_id for reply in story.state.outbox]
    one, two, three = (send.reply_id for send in story.sends[:3])
    assert order[:3] == [three, one, two]


def test_a_failure_that_a_status_tells_too_leaves_the_retry_as_it_is():
    story = Story()
    story.says("one")
    story.refuse()
    told = story.status(Status.FAILED, "wamid.out", of=story.sends[0])
    assert kinds(told) == ["MessageStatusReported"]
    assert kinds(story.wakes()) == ["RetryStarted"]
