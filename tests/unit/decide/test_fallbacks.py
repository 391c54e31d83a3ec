"""Another way for a reply that failed for good."""

from datetime import timedelta

from schemas.content import Status
from schemas.facts import DeliveryAbandoned, FallbackChosen, RetryScheduled
from schemas.tenants import Fallback
from tests.support.story import Story, kinds, one, policy

SMS = Fallback(provider="texts", account="AC1")
OTHER = Fallback(provider="plain", account="other", to="4915100000009")


def test_after_a_lasting_failure_the_first_fallback_is_taken():
    story = Story(policy(fallbacks=(OTHER,)))
    story.says("one")
    refused = story.refuse("blocked_by_user")
    assert kinds(refused) == ["MessageSendFailed", "FallbackChosen"]
    (order,) = refused.orders
    assert (order.provider, order.account, order.to) == ("plain", "other", "4915100000009")
    assert (order.reply_id, order.attempt) == (story.sends[0].reply_id, 2)
    assert order.content == story.sends[0].content


def test_what_answers_a_message_there_quotes_nothing_here():
    story = Story(policy(fallbacks=(OTHER,)))
    story.says("one")
    assert story.sends[0].reply_to == "wamid.1"
    story.refuse("blocked_by_user")
    assert story.sends[1].reply_to is None


def test_a_text_message_goes_to_the_phone_of_the_profile():
    story = Story(policy(fallbacks=(SMS,)))
    story.says("one")
    chosen = one(story.refuse("blocked_by_user"), FallbackChosen)
    assert (chosen.to, chosen.platform, chosen.number) == ("+4915112345678", "sms", 1)


def test_a_fallback_without_an_address_and_an_unknown_provider_are_passed_over():
    nowhere = Fallback(provider="plain", account="other")
    unknown = Fallback(provider="pigeons", account="other", to="roof")
    story = Story(policy(fallbacks=(nowhere, unknown, SMS)))
    story.says("one")
    assert one(story.refuse("blocked_by_user"), FallbackChosen).number == 3


def test_the_next_fallback_is_taken_when_one_has_failed_and_then_an_operator_must():
    story = Story(policy(fallbacks=(OTHER, SMS)))
    story.says("one")
    assert one(story.refuse("blocked_by_user"), FallbackChosen).number == 1
    assert one(story.refuse("unauthenticated"), FallbackChosen).number == 2
    assert one(story.refuse("refused"), DeliveryAbandoned).attempt == 3
    assert [order.attempt for order in story.sends] == [1, 2, 3]


def test_a_fallback_is_taken_only_after_the_last_retry_and_has_retries_of_its_own():
    story = Story(policy(fallbacks=(SMS,), retries=(timedelta(minutes=1),)))
    story.says("one")
    assert "RetryScheduled" in kinds(story.refuse())
    story.wakes()
    assert "FallbackChosen" in kinds(story.refuse())
    assert one(story.refuse(), RetryScheduled).attempt == 3
    story.wakes()
    assert (story.sends[-1].provider, story.sends[-1].attempt) == ("texts", 4)


def test_later_replies_take_the_chats_own_way():
    story = Story(policy(fallbacks=(SMS,)))
    story.says("one")
    story.says("two")
    story.refuse("blocked_by_user")
    assert story.report().orders[0].provider == "whatsapp_cloud"


def test_a_reply_that_was_accepted_and_failed_later_takes_the_fallback_too():
    story = Story(policy(fallbacks=(SMS,)))
    story.says("one")
    story.report(platform_message_id="wamid.out")
    failed = story.status(Status.FAILED, "wamid.out")
    assert kinds(failed) == ["MessageStatusReported", "FallbackChosen"]
    assert failed.orders[0].attempt == 2


def test_a_failure_that_is_told_twice_takes_one_fallback():
    story = Story(policy(fallbacks=(SMS, OTHER)))
    story.says("one")
    story.report(platform_message_id="wamid.out")
    story.status(Status.FAILED, "wamid.out")
    assert kinds(story.status(Status.FAILED, "wamid.out")) == ["MessageStatusReported"]


def test_a_failure_that_is_told_after_the_message_has_arrived_takes_none():
    story = Story(policy(fallbacks=(SMS,)))
    story.says("one")
    story.report(platform_message_id="wamid.out")
    story.status(Status.DELIVERED, "wamid.out")
    assert kinds(story.status(Status.FAILED, "wamid.out")) == ["MessageStatusReported"]
