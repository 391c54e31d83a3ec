"""Platforms that take replies only for a day after the person's last message."""

from schemas.content import Content, MessageKind
from schemas.facts import (
    DeliveryAbandoned,
    FallbackChosen,
    MessageSendWithheld,
    RetryScheduled,
    TemplateChosen,
)
from schemas.inputs import RetryDelivery, SendByHand, Timer
from schemas.tenants import Fallback, Template
from tests.support.story import Story, kinds, one, policy

WORDS = Content(kind=MessageKind.TEXT, text="A word from the office")
TEMPLATE = Template(name="follow_up", language="en_US")


def silent(hours: float, **settings) -> Story:
    story = Story(policy(**settings))
    story.says("Hello")
    story.report()
    story.later(hours=hours)
    return story


def test_a_reply_within_a_day_is_sent():
    assert len(silent(23.9).wants(SendByHand(content=WORDS, by="ada")).orders) == 1


def test_a_reply_after_a_day_is_not_attempted_and_waits_for_an_operator():
    story = silent(24)
    decision = story.wants(SendByHand(content=WORDS, by="ada"))
    assert decision.orders == ()
    assert kinds(decision)[-2:] == ["MessageSendWithheld", "DeliveryAbandoned"]
    withheld = one(decision, MessageSendWithheld)
    assert (withheld.error_code, withheld.attempt) == ("outside_window", 1)
    assert one(decision, DeliveryAbandoned).error_code == "outside_window"


def test_an_operator_retries_when_the_person_has_written_again():
    story = silent(25)
    withheld = one(story.wants(SendByHand(content=WORDS, by="ada")), MessageSendWithheld)
    again = RetryDelivery(reply_id=withheld.reply_id, by="ada")
    assert kinds(story.wants(again))[-1] == "DeliveryAbandoned"
    story.says("Hello?")
    story.report()
    order = story.wants(again).orders[0]
    assert (order.reply_id, order.attempt) == (withheld.reply_id, 3)


def test_a_retry_that_is_due_after_the_day_is_not_attempted():
    story = Story()
    story.says("Hello")
    story.refuse(retry_after_seconds=86_400)
    story.later(hours=24)
    assert "MessageSendWithheld" in kinds(story.fires(Timer.RETRY))


def test_another_way_has_no_window():
    sms = Fallback(provider="texts", account="AC1")
    story = silent(25, fallbacks=(sms,))
    decision = story.wants(SendByHand(content=WORDS, by="ada"))
    assert one(decision, FallbackChosen).attempt == 2
    assert (decision.orders[0].provider, decision.orders[0].attempt) == ("texts", 2)


def test_the_persons_own_message_opens_the_window():
    story = silent(48)
    assert len(story.says("Hello again").orders) == 1


def test_a_humans_message_does_not_open_it():
    story = silent(25)
    story.echoes("I am here now", "wamid.human")
    assert story.wants(SendByHand(content=WORDS, by="ada")).orders == ()


def test_a_chat_that_the_person_never_wrote_in_is_left_to_the_provider_to_judge():
    story = Story()
    story.echoes("Good morning", "wamid.human")
    assert len(story.wants(SendByHand(content=WORDS, by="ada")).orders) == 1


def test_with_a_template_the_words_leave_after_a_day_as_that():
    decision = silent(24, template=TEMPLATE).wants(SendByHand(content=WORDS, by="ada"))
    chosen = one(decision, TemplateChosen)
    assert (chosen.template, chosen.language, chosen.with_words) == ("follow_up", "en_US", True)
    (order,) = decision.orders
    assert (order.reply_id, order.attempt) == (chosen.reply_id, 1)
    assert order.content.text == WORDS.text
    assert order.content.structured == {
        "template": {"name": "follow_up", "language": "en_US", "with_words": True}
    }


def test_within_a_day_no_template_is_chosen():
    decision = silent(23.9, template=TEMPLATE).wants(SendByHand(content=WORDS, by="ada"))
    assert decision.orders[0].content == WORDS


def test_a_template_that_is_tried_again_is_still_one():
    story = silent(24, template=TEMPLATE)
    story.wants(SendByHand(content=WORDS, by="ada"))
    due = one(story.refuse(), RetryScheduled).due
    story.later(seconds=(due - story.now).total_seconds())
    decision = story.fires(Timer.RETRY)
    assert "TemplateChosen" not in kinds(decision)
    assert decision.orders[0].content.structured is not None


def test_what_is_not_said_in_words_fits_no_template():
    place = Content(kind=MessageKind.LOCATION, structured={"latitude": 1.0, "longitude": 2.0})
    decision = silent(24, template=TEMPLATE).wants(SendByHand(content=place, by="ada"))
    assert decision.orders == ()
    assert one(decision, MessageSendWithheld).error_code == "outside_window"


def test_a_template_that_failed_for_good_is_sent_another_way_in_its_words():
    sms = Fallback(provider="texts", account="AC1")
    story = silent(25, fallbacks=(sms,), template=TEMPLATE)
    story.wants(SendByHand(content=WORDS, by="ada"))
    decision = story.refuse(retryable=False)
    assert (decision.orders[0].provider, decision.orders[0].content.text) == ("texts", WORDS.text)
