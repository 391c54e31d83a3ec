"""What comes back as the business's own message: ours, a human's, or another program's."""

from schemas.content import ActionTaken, Origin, Status
from schemas.facts import BotPaused, EchoHeld, EchoRecognised, MessageReceived
from schemas.inputs import Timer
from streams.decide.delivery import reference
from streams.decide.state import ECHOES
from streams.decide.timers import next_due
from tests.support.story import Story, kinds, one


def answered() -> Story:
    story = Story()
    story.says("one")
    return story


def test_an_echo_of_what_we_have_sent_is_no_message_and_no_takeover():
    story = answered()
    story.report(platform_message_id="wamid.out")
    told = story.echoes("whatever", "wamid.out")
    assert kinds(told) == ["EchoRecognised"]
    assert one(told, EchoRecognised).reply_id == story.sends[0].reply_id
    assert one(told, EchoRecognised).action is ActionTaken.OWN_ECHO


def test_an_echo_with_our_reference_is_ours_before_the_send_is_reported():
    story = answered()
    order = story.sends[0]
    named = reference(order.reply_id, order.attempt)
    assert kinds(story.echoes("odd words", "wamid.out", reference=named)) == ["EchoRecognised"]
    assert kinds(story.report(platform_message_id="wamid.out")) == ["MessageSent"]


def test_an_echo_that_comes_before_the_sends_answer_is_held_until_that():
    story = answered()
    held = story.echoes(story.sends[0].content.text, "wamid.out")
    assert kinds(held) == ["EchoHeld"]
    assert one(held, EchoHeld).action is ActionTaken.HELD
    sent = story.report(platform_message_id="wamid.out")
    assert kinds(sent) == ["MessageSent", "EchoRecognised"]
    assert story.state.echoes == ()
    assert story.state.pause is None


def test_a_human_who_writes_while_we_send_takes_over_when_it_shows_that_it_was_not_we():
    story = answered()
    assert kinds(story.echoes("I am here now", "wamid.human")) == ["EchoHeld"]
    sent = story.report(platform_message_id="wamid.out")
    assert kinds(sent) == ["MessageSent", "MessageReceived", "BotPaused"]
    assert one(sent, MessageReceived).origin is Origin.HUMAN
    assert one(sent, MessageReceived).platform_message_id == "wamid.human"


def test_the_echo_of_a_send_without_a_name_is_known_by_its_words():
    story = answered()
    story.echoes(f"  {story.sends[0].content.text}\n", "wamid.out")
    sent = story.report(platform_message_id=None)
    assert kinds(sent) == ["MessageSent", "EchoRecognised"]
    assert story.state.sent[-1].platform_message_id == "wamid.out"


def test_an_echo_held_while_a_send_is_refused_was_a_humans():
    story = answered()
    story.echoes("I am here now", "wamid.human")
    assert kinds(story.refuse("blocked_by_user"))[-2:] == ["MessageReceived", "BotPaused"]


def test_an_echo_held_while_a_send_is_lost_confirms_it_if_it_has_its_words():
    story = answered()
    story.echoes(story.sends[0].content.text, "wamid.out")
    assert kinds(story.lose()) == [
        "MessageSendUnconfirmed",
        "EchoRecognised",
        "MessageSendConfirmed",
    ]


def test_an_echo_of_other_words_is_held_while_a_lost_send_may_be_confirmed_and_no_longer():
    story = answered()
    story.lose()
    assert kinds(story.echoes("I am here now", "wamid.human")) == ["EchoHeld"]
    decision = story.wakes()
    assert kinds(decision) == ["ConfirmationTimedOut", "MessageReceived", "BotPaused"]


def test_held_echoes_are_released_when_a_status_confirms_the_lost_send():
    story = answered()
    story.lose()
    story.echoes("I am here now", "wamid.human")
    told = story.status(Status.SENT, "wamid.out", of=story.sends[0])
    assert kinds(told)[-2:] == ["MessageReceived", "BotPaused"]


def test_a_status_with_reference_names_the_held_echo():
    story = answered()
    story.echoes("odd words", "wamid.out")
    told = story.status(Status.SENT, "wamid.out", of=story.sends[0])
    assert kinds(told) == ["MessageStatusReported", "EchoRecognised"]
    assert kinds(story.report(platform_message_id="wamid.out")) == ["MessageSent"]


def test_a_status_with_reference_names_the_echo_that_comes_after_it():
    story = answered()
    story.status(Status.SENT, "wamid.out", of=story.sends[0])
    assert kinds(story.echoes("odd words", "wamid.out")) == ["EchoRecognised"]


def test_an_echo_is_not_held_for_ever_though_the_send_is_never_reported():
    story = answered()
    story.echoes("I am here now", "wamid.human")
    assert next_due(story.state, story.policy)[1] is Timer.CONFIRMATION
    assert kinds(story.wakes()) == ["MessageReceived", "BotPaused"]


def test_the_echo_of_a_send_that_is_never_reported_is_known_by_its_words():
    story = answered()
    story.echoes(story.sends[0].content.text, "wamid.out")
    assert kinds(story.wakes()) == ["EchoRecognised"]
    assert kinds(story.lose()) == ["MessageSendUnconfirmed", "MessageSendConfirmed"]


def test_no_more_echoes_are_held_than_the_bound():
    story = answered()
    for number in range(ECHOES):
        assert kinds(story.echoes("x", f"wamid.h{number}")) == ["EchoHeld"]
    assert "MessageReceived" in kinds(story.echoes("x", "wamid.one.more"))
    assert len(story.state.echoes) == ECHOES


def test_a_message_of_another_program_is_recorded_and_nobody_takes_over():
    story = answered()
    story.report()
    told = story.echoes("Your parcel is on its way", "wamid.other", is_own=True)
    received = one(told, MessageReceived)
    assert (received.origin, received.action) == (Origin.OPERATOR, ActionTaken.RECORDED)
    assert received.user_number == 1
    assert told.orders == ()
    assert story.state.pause is None


def test_another_programs_message_begins_a_chat_without_a_takeover():
    story = Story()
    told = story.echoes("Your parcel is on its way", "wamid.other", is_own=True)
    assert kinds(told) == ["ChatStarted", "ConversationOpened", "MessageReceived"]


def test_a_real_human_takes_over_at_once_when_nothing_is_on_its_way():
    story = answered()
    story.report()
    told = story.echoes("I am here now", "wamid.human")
    assert kinds(told) == ["MessageReceived", "BotPaused"]
    assert one(told, BotPaused).reason == "human_takeover"


def test_an_echo_is_ours_by_the_name_under_which_a_status_told_of_a_lost_send():
    for is_told_first in (True, False):
        story = answered()
        order = story.sends[0]
        if is_told_first:
            story.status(Status.FAILED, "wamid.out", order)
        story.lose()
        if not is_told_first:
            story.status(Status.FAILED, "wamid.out", order)
        assert kinds(story.echoes(order.content.text, "wamid.out")) == ["EchoRecognised"]
        assert story.state.pause is None
