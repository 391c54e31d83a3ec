"""What the decider does, told as stories of one chat."""

from copy import copy
from datetime import timedelta

import pytest

from schemas.content import ActionTaken, CloseReason, Origin, SendOutcome, Status
from schemas.facts import (
    CloseRequested,
    ConversationClosed,
    ConversationClosing,
    HandlerFailed,
    MessageReceived,
    MessageSendFailed,
    MessageSendUnconfirmed,
    MessageSent,
    MessageStatusReported,
    ModeLeft,
    QuestionAsked,
)
from schemas.inputs import Timer
from schemas.work import AnswerQuestion, SendMessage
from streams.decide.delivery import reference
from streams.decide.handlers import text_reply
from streams.decide.timers import next_due
from tests.support import webhooks
from tests.support.story import Story, kinds, policy


def one(decision, kind):
    (found,) = [fact for fact in decision.facts if isinstance(fact, kind)]
    return found


def test_the_first_message_starts_the_chat_opens_a_conversation_and_is_answered():
    story = Story()
    decision = story.says("Hello")
    assert kinds(decision) == [
        "ChatStarted",
        "ProfileChanged",
        "ConversationOpened",
        "MessageReceived",
        "ReplyGenerated",
    ]
    assert one(decision, MessageReceived).action is ActionTaken.REPLIED


def test_a_new_user_is_welcomed_by_name_in_the_one_reply():
    story = Story()
    story.says("Hello")
    (reply,) = story.replies
    assert reply.startswith("Welcome, Ada")
    assert "Echo: Hello" in reply
    assert "Message #1 in this conversation" in reply
    assert "/HISTORY" in reply
    assert "/CLOSE" in reply


def test_the_second_message_is_counted_and_not_welcomed_again():
    story = Story()
    story.says("Hello")
    decision = story.says("Again")
    assert kinds(decision) == ["MessageReceived", "ReplyGenerated"]
    assert "Message #2 in this conversation" in story.replies[1]
    assert "Welcome" not in story.replies[1]


def test_facts_are_numbered_without_a_gap():
    story = Story()
    for words in ("a", "/HISTORY", "/WAPPA", "b"):
        story.says(words)
        story.report()
    assert story.state.sequence == len(story.facts)


def test_the_profile_has_the_phone_in_e164():
    story = Story()
    story.says("Hello")
    assert story.state.profile.phone_e164 == "+4915112345678"


def test_a_reply_is_ordered_only_when_the_one_before_has_left():
    story = Story()
    first = story.says("one")
    second = story.says("two")
    assert [type(order) for order in first.orders] == [SendMessage]
    assert second.orders == ()
    ended = story.report()
    assert kinds(ended) == ["MessageSent"]
    assert "Echo: two" in story.sends[-1].content.text


def test_a_report_that_comes_twice_changes_nothing():
    story = Story()
    story.says("one")
    story.report()
    assert kinds(story.report()) == []


def test_a_refused_reply_is_recorded_and_the_next_one_leaves():
    story = Story()
    story.says("one")
    story.says("two")
    decision = story.report(SendOutcome.FAILED, error_code="blocked_by_user", http_status=403)
    failed = one(decision, MessageSendFailed)
    assert (failed.error_code, failed.http_status) == ("blocked_by_user", 403)
    assert len(decision.orders) == 1


def test_an_unknown_outcome_is_recorded_as_such_and_not_sent_again():
    story = Story()
    story.says("one")
    decision = story.report(SendOutcome.SAVED_ONLY, error_code="timeout")
    assert one(decision, MessageSendUnconfirmed).error_code == "timeout"
    assert decision.orders == ()


def test_a_status_finds_its_reply_by_the_platforms_name():
    story = Story()
    story.says("one")
    sent = one(story.report(), MessageSent)
    told = webhooks.status("read", wamid=sent.platform_message_id)
    status = one(story.arrives(webhooks.body(statuses=[told])), MessageStatusReported)
    assert (status.message_id, status.attempt) == (sent.reply_id, 1)
    assert status.status is Status.READ
    assert status.action is ActionTaken.STATUS


def test_a_status_finds_its_reply_by_reference_before_the_send_is_reported():
    story = Story()
    story.says("one")
    order = story.sends[0]
    told = webhooks.status(
        "delivered", wamid="wamid.x", reference=reference(order.reply_id, order.attempt)
    )
    status = one(story.arrives(webhooks.body(statuses=[told])), MessageStatusReported)
    assert status.message_id == order.reply_id


@pytest.mark.parametrize("odd", ["nonsense", ":", "a:b", "reply-1:1", "a:99999999999", "a:²"])
def test_a_reference_that_is_not_ours_is_not_believed(odd):
    story = Story()
    told = webhooks.status("delivered", wamid="wamid.x", reference=odd)
    status = one(story.arrives(webhooks.body(statuses=[told])), MessageStatusReported)
    assert status.attempt == 0


def test_history_counts_the_messages_and_shows_the_last_ones():
    story = Story()
    story.says("first words")
    story.says("/HISTORY")
    lines = story.replies[1].splitlines()
    assert lines[0] == "3 messages in this conversation."
    assert "user: first words" in lines


def test_a_command_is_known_whatever_its_case_and_recorded_as_one():
    story = Story()
    decision = story.says("  /history ")
    assert one(decision, MessageReceived).action is ActionTaken.COMMAND


def test_close_says_how_many_messages_are_kept_and_closes_when_that_has_left():
    story = Story()
    story.says("Hello")
    story.report()
    closing = story.says("/CLOSE")
    assert one(closing, ConversationClosing).reason is CloseReason.COMMAND
    assert "4 messages persisted" in story.replies[-1]
    assert story.state.conversation.closing is CloseReason.COMMAND
    closed = one(story.report(), ConversationClosed)
    assert closed.message_count == 4
    assert story.state.conversation is None


def test_a_message_while_closing_opens_the_next_conversation():
    story = Story()
    story.says("/CLOSE")
    decision = story.says("wait")
    assert kinds(decision)[:3] == ["ConversationClosed", "ConversationOpened", "MessageReceived"]
    assert one(decision, MessageReceived).number == 1
    assert story.state.conversation.number == 2


def test_an_operator_closes_and_a_second_close_changes_nothing():
    story = Story()
    story.says("Hello")
    story.report()
    decision = story.operator_closes()
    assert kinds(decision) == ["CloseRequested", "ConversationClosing", "ConversationClosed"]
    assert one(decision, CloseRequested).by == "ops"
    assert one(decision, ConversationClosed).reason is CloseReason.OPERATOR
    assert kinds(story.operator_closes()) == []


def test_an_idle_conversation_is_closed_by_its_timer():
    story = Story()
    story.says("Hello")
    story.report()
    assert next_due(story.state, story.policy) == (
        story.now + timedelta(hours=24),
        Timer.IDLE_CLOSE,
    )
    story.later(hours=24)
    decision = story.fires(Timer.IDLE_CLOSE)
    assert one(decision, ConversationClosed).reason is CloseReason.IDLE
    assert next_due(story.state, story.policy) is None


def test_a_timer_that_fires_before_its_time_changes_nothing():
    story = Story()
    story.says("Hello")
    story.later(hours=23)
    assert kinds(story.fires(Timer.IDLE_CLOSE)) == []


def test_a_message_after_the_idle_time_opens_anew_though_the_timer_is_late():
    story = Story()
    story.says("Hello")
    story.report()
    story.later(hours=25)
    decision = story.says("Hello again")
    assert kinds(decision)[:3] == [
        "ConversationClosing",
        "ConversationClosed",
        "ConversationOpened",
    ]


def test_the_special_mode_is_entered_left_and_expires():
    story = Story()
    assert "ModeEntered" in kinds(story.says("/WAPPA"))
    assert "30 minutes" in story.replies[-1]
    story.says("hello")
    assert "Special mode is on until 12:30 UTC" in story.replies[-1]
    assert "ModeLeft" in kinds(story.says("/EXIT"))
    story.says("/WAPPA")
    story.later(minutes=30)
    assert one(story.fires(Timer.MODE_EXPIRY), ModeLeft).expired


def test_leaving_a_mode_that_is_not_on_says_so():
    story = Story()
    assert "ModeLeft" not in kinds(story.says("/EXIT"))
    assert "not on" in story.replies[0]


def test_stats_asks_first_and_answers_with_what_it_is_told():
    story = Story()
    decision = story.says("/STATS")
    asked = one(decision, QuestionAsked)
    assert decision.orders == (
        AnswerQuestion(question_id=asked.question_id, question=asked.question),
    )
    answered = story.answer({"reachable": True, "hit_ratio": 0.5})
    assert kinds(answered) == ["QuestionAnswered", "ReplyGenerated"]
    assert "hit_ratio: 0.5" in story.replies[0]


def test_stats_tells_why_there_are_no_figures():
    story = Story()
    story.says("/STATS")
    story.answer({}, error="connection refused")
    assert "connection refused" in story.replies[0]


def test_a_close_waits_for_an_answer_that_is_still_to_come():
    story = Story()
    story.says("/STATS")
    story.says("/CLOSE")
    assert "ConversationClosed" not in kinds(story.report())
    story.answer({"reachable": True})
    assert "ConversationClosed" in kinds(story.report())


def test_an_answer_that_nobody_awaits_changes_nothing():
    story = Story()
    story.says("/STATS")
    story.answer({})
    assert kinds(story.answer({})) == []


def test_a_reaction_is_recorded_and_not_answered():
    story = Story()
    story.says("Hello")
    decision = story.arrives(webhooks.body(webhooks.reaction("👍", "wamid.1", wamid="wamid.r")))
    received = one(decision, MessageReceived)
    assert received.action is ActionTaken.RECORDED
    assert received.content.structured == {"emoji": "👍", "target": "wamid.1"}
    assert kinds(decision) == ["MessageReceived"]


class Parrot:
    """A team's own handler."""

    name = "parrot"

    def can_handle(self, chat, message):
        return (message.content.text or "").startswith("parrot")

    def handle(self, chat, message):
        return [text_reply(message.content.text[7:])]


class Broken(Parrot):
    name = "broken"

    def handle(self, chat, message):
        raise RuntimeError("secret words of the user")


def test_a_teams_own_handler_answers_before_the_echo():
    story = Story(policy(Parrot()))
    story.says("parrot says hi")
    story.says("other")
    assert story.replies[0] == "says hi"
    assert "Echo: other" in story.replies[1]


def test_a_handler_that_raises_leaves_the_message_recorded_and_the_chat_going():
    story = Story(policy(Broken()))
    decision = story.says("parrot x")
    assert one(decision, MessageReceived).action is ActionTaken.HANDLER_FAILED
    failed = one(decision, HandlerFailed)
    assert (failed.handler, failed.error) == ("broken", "RuntimeError")
    story.says("other")
    assert len(story.replies) == 1


def test_a_long_text_is_echoed_short_enough_to_be_sent():
    story = Story()
    story.says("x" * 5000)
    assert len(story.replies[0]) < 1500


def test_a_message_by_a_person_of_the_business_is_recorded_as_theirs():
    story = Story()
    echo = {
        "from": "15550001111",
        "to": webhooks.USER,
        "id": "wamid.h",
        "timestamp": "1767614400",
        "type": "text",
        "text": {"body": "I take over"},
    }
    whole = webhooks.body()
    whole["entry"][0]["changes"][0]["field"] = "smb_message_echoes"
    whole["entry"][0]["changes"][0]["value"]["message_echoes"] = [echo]
    received = one(story.arrives(whole), MessageReceived)
    assert received.origin is Origin.HUMAN
    assert received.user_number == 0
    assert story.replies == []


def test_deciding_changes_no_argument():
    story = Story()
    story.says("one")
    before = copy(story.state)
    same = story.state
    story.says("two")
    assert same == before
