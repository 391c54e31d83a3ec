"""When the model is asked, what it is told, and when its answer is not given."""

from datetime import timedelta

import pytest

from schemas.content import ActionTaken, CloseReason, DiscardReason, JobKind, MessageKind, Origin
from schemas.facts import (
    AnswerAwaited,
    AnswerDiscarded,
    AnswerGiven,
    AnswerRequested,
    AssistantJoined,
    HandlerFailed,
    JobAbandoned,
    JobRetryScheduled,
    MessageReceived,
    ModelCalled,
    ReplyGenerated,
)
from schemas.inputs import PauseChat, ResumeChat, SendByHand, Timer
from streams.decide import evolve_assisted
from streams.decide.handlers import CONVERSE, Close, text_reply
from streams.decide.timers import next_due
from tests.support.assisted import USAGE, AssistedStory, policy
from tests.support.story import Story, kinds, one
from tests.support.story import policy as echo_policy


def asked_at_once(**settings: object) -> AssistedStory:
    return AssistedStory(policy(quiet=0, **settings))


def last_asked(story: AssistedStory):
    return story.asked[-1]


def texts(order) -> list[str | None]:
    return [one.text for one in order.conversation]


def given(story: AssistedStory) -> list[tuple[str, ...]]:
    return [fact.answers for fact in story.facts if isinstance(fact, AnswerGiven)]


def discarded(story: AssistedStory) -> list[tuple[tuple[str, ...], DiscardReason]]:
    facts = [fact for fact in story.facts if isinstance(fact, AnswerDiscarded)]
    return [(fact.answers, fact.reason) for fact in facts]


# A message, and its answer.


def test_an_answer_that_is_too_long_for_the_platform_leaves_as_several_replies():
    story = asked_at_once()
    story.says("Tell me all")
    words = " ".join(f"word{number}" for number in range(1500))
    decision = story.ends(last_asked(story), text=words)
    replies = [fact for fact in decision.facts if isinstance(fact, ReplyGenerated)]
    assert len(replies) > 1
    assert all(len(fact.content.text) <= 4096 for fact in replies)
    assert " ".join(fact.content.text for fact in replies) == words
    assert [fact.in_reply_to is not None for fact in replies] == [True, *[False] * len(replies[1:])]
    assert one(decision, AnswerGiven).reply_id == replies[0].reply_id


def test_a_message_is_awaited_until_the_quiet_time_is_over_and_then_asked_about():
    story = AssistedStory()
    decision = story.says("Hello")
    assert kinds(decision)[-3:] == ["AssistantJoined", "MessageReceived", "AnswerAwaited"]
    assert one(decision, MessageReceived).action is ActionTaken.AWAITING
    assert one(decision, AnswerAwaited).ask_at == story.now + timedelta(seconds=1)
    assert decision.orders == ()
    assert next_due(story.state, story.policy) == (story.now + timedelta(seconds=1), Timer.ANSWER)
    asked = story.wakes()
    assert kinds(asked) == ["AnswerRequested"]
    assert [order.job_id for order in asked.orders] == [one(asked, AnswerRequested).job_id]


def test_without_a_quiet_time_the_model_is_asked_at_once():
    story = asked_at_once()
    assert kinds(story.says("Hello"))[-2:] == ["AnswerAwaited", "AnswerRequested"]


def test_the_models_words_are_the_reply_and_what_they_cost_is_recorded():
    story = asked_at_once()
    story.says("Hello")
    decision = story.ends(last_asked(story), text="Hello Ada!")
    assert kinds(decision) == ["ModelCalled", "ReplyGenerated", "AnswerGiven"]
    answer, reply = one(decision, AnswerGiven), one(decision, ReplyGenerated)
    assert (answer.answers, answer.usage) == (("wamid.1",), USAGE)
    assert answer.action is ActionTaken.AI_REPLIED
    assert answer.reply_id == reply.reply_id
    assert (reply.handler, reply.content.text) == ("assistant", "Hello Ada!")
    assert (reply.origin, reply.in_reply_to) == (Origin.BOT, "wamid.1")
    assert one(decision, ModelCalled).kind is JobKind.ANSWER
    assert [send.content.text for send in story.sends] == ["Hello Ada!"]
    assert story.state.jobs is None


def test_how_long_it_took_to_answer_is_told_from_the_last_message_of_the_burst():
    story = AssistedStory()
    story.says("Hello")
    story.later(seconds=0.5)
    story.says("anybody there?")
    came = story.now
    story.wakes()
    story.later(seconds=20)
    assert one(story.ends(last_asked(story)), ReplyGenerated).received_at == came


def test_a_command_is_answered_by_its_handler_and_not_by_the_model():
    story = asked_at_once()
    story.says("/HISTORY")
    assert story.asked == []
    assert story.replies != []


def test_the_model_joins_a_conversation_once():
    story = asked_at_once()
    for words in ("a", "b"):
        story.says(words)
        story.ends(last_asked(story))
    assert sum(isinstance(fact, AssistantJoined) for fact in story.facts) == 1


def test_in_a_group_the_model_neither_joins_nor_answers():
    story = asked_at_once()
    story.sends_file(is_group=True)
    assert story.asked == []
    assert story.state.assisted is None


# Bursts.


def test_messages_that_come_within_the_quiet_time_get_one_answer():
    story = AssistedStory()
    for words in ("Hello", "can you", "help me?"):
        story.says(words)
        story.later(seconds=0.9)
    story.wakes()
    (order,) = story.asked
    assert len(order.unanswered) == 3
    assert texts(order) == ["Hello", "can you", "help me?"]
    decision = story.ends(order)
    assert one(decision, AnswerGiven).answers == ("wamid.1", "wamid.2", "wamid.3")
    assert one(decision, ReplyGenerated).in_reply_to == "wamid.3"


def test_each_message_of_a_burst_prolongs_it_but_not_beyond_ten_quiet_times():
    story = AssistedStory()
    first = story.now
    dues = []
    for _ in range(12):
        story.says("and")
        dues.append((next_due(story.state, story.policy)[0] - first).total_seconds())
        story.later(seconds=0.9)
    assert dues[:3] == [1.0, 1.9, 2.8]
    assert dues[-3:] == [9.1, 10.0, 10.0]


def test_what_comes_while_the_model_thinks_is_the_next_burst_asked_when_the_answer_came():
    story = asked_at_once()
    story.says("first")
    first = last_asked(story)
    assert kinds(story.says("second")) == ["MessageReceived", "AnswerAwaited"]
    assert kinds(story.says("third")) == ["MessageReceived", "AnswerAwaited"]
    assert story.asked == [first]
    decision = story.ends(first)
    assert kinds(decision)[-3:] == ["ReplyGenerated", "AnswerGiven", "AnswerRequested"]
    story.ends(last_asked(story))
    assert given(story) == [("wamid.1",), ("wamid.2", "wamid.3")]


def test_an_attempt_that_is_made_again_is_not_told_of_the_next_burst():
    story = asked_at_once()
    story.says("first")
    story.fails(last_asked(story))
    story.says("second")
    story.wakes()
    assert last_asked(story).attempt == 2
    assert texts(last_asked(story)) == ["first"]


def test_a_message_joins_the_burst_if_the_model_was_not_asked_in_time():
    story = AssistedStory()
    story.says("Hello")
    story.later(seconds=30)
    story.says("still there?")
    story.wakes()
    assert len(story.asked) == 1
    assert len(last_asked(story).unanswered) == 2


# Files.


def test_an_answer_waits_for_what_is_said_in_a_voice_message():
    story = asked_at_once()
    decision = story.sends_file()
    assert one(decision, AnswerAwaited).wait_until == story.now + timedelta(seconds=30)
    assert story.asked == []
    story.ends(story.files[-1])
    assert story.asked == []
    story.ends(story.files[-1], text="Hello from the car")
    (spoken,) = last_asked(story).conversation
    assert (spoken.kind, spoken.transcript) == (MessageKind.VOICE, "Hello from the car")


@pytest.mark.parametrize(
    ("kind", "name"), [(MessageKind.DOCUMENT, "extracted"), (MessageKind.IMAGE, "description")]
)
def test_what_is_in_documents_and_pictures_is_told_too(kind, name):
    story = asked_at_once()
    story.sends_file(kind)
    story.ends(story.files[-1])
    story.ends(story.files[-1], text="found")
    assert getattr(last_asked(story).conversation[0], name) == "found"


def test_it_waits_no_longer_than_the_tenant_wants():
    story = asked_at_once()
    story.sends_file()
    due = next_due(story.state, story.policy)
    assert due == (story.now + timedelta(seconds=30), Timer.ANSWER)
    story.wakes()
    assert last_asked(story).conversation[0].transcript is None


def test_a_file_that_is_given_up_is_not_waited_for():
    story = asked_at_once()
    story.sends_file()
    story.fails(story.files[-1], "media_unavailable")
    assert len(story.asked) == 1


def test_it_waits_for_a_job_that_is_tried_again():
    story = asked_at_once()
    story.sends_file()
    story.fails(story.files[-1])
    assert story.asked == []
    story.wakes()
    story.ends(story.files[-1])
    story.ends(story.files[-1])
    assert len(story.asked) == 1


def test_a_transcript_that_comes_too_late_is_known_for_the_next_answer():
    story = asked_at_once()
    story.sends_file()
    story.wakes()
    story.ends(story.files[-1])
    story.ends(story.files[-1], text="late words")
    assert len(story.asked) == 1
    story.ends(last_asked(story))
    story.says("Well?")
    assert last_asked(story).conversation[0].transcript == "late words"


# Failures.


def test_a_call_that_may_succeed_later_is_made_again():
    story = asked_at_once()
    story.says("Hello")
    for wait in (2, 8, 30):
        due = one(story.fails(last_asked(story)), JobRetryScheduled).due
        assert wait <= (due - story.now).total_seconds() <= wait * 1.1
        story.wakes()
    assert [order.attempt for order in story.asked] == [1, 2, 3, 4]


def test_after_the_last_failure_the_tenants_own_words_are_the_answer():
    story = asked_at_once()
    story.says("Hello")
    decision = story.fails(last_asked(story), "refused")
    assert kinds(decision) == ["JobFailed", "JobAbandoned", "ReplyGenerated", "AnswerGiven"]
    answer = one(decision, AnswerGiven)
    assert (answer.usage, answer.action) == (None, ActionTaken.REPLIED)
    assert story.replies == ["Sorry, I cannot answer right now. Please try again later."]


def test_or_nothing_is_said_if_the_tenant_wants_silence():
    story = asked_at_once(assistant={"fallback_text": None})
    story.says("Hello")
    decision = story.fails(last_asked(story), "refused")
    assert kinds(decision) == ["JobFailed", "JobAbandoned", "AnswerDiscarded"]
    told = one(decision, AnswerDiscarded)
    assert (told.reason, told.action) == (DiscardReason.FAILED, ActionTaken.RECORDED)
    assert story.sends == []


def test_a_model_that_says_nothing_has_failed():
    story = asked_at_once()
    story.says("Hello")
    decision = story.ends(last_asked(story), text=" \n")
    assert one(decision, JobAbandoned).error_code == "malformed_answer"
    assert one(decision, ModelCalled).usage == USAGE


def test_nobody_is_kept_waiting_by_a_model_that_wants_an_hour_of_rest():
    story = asked_at_once()
    story.says("Hello")
    decision = story.fails(last_asked(story), "throttled", retry_after_seconds=3600)
    assert "JobAbandoned" in kinds(decision)


def test_a_failed_burst_does_not_hold_up_the_next():
    story = asked_at_once()
    story.says("first")
    story.says("second")
    assert kinds(story.fails(last_asked(story), "refused"))[-1] == "AnswerRequested"


def test_an_answer_that_is_reported_twice_is_given_once():
    story = asked_at_once()
    story.says("Hello")
    order = last_asked(story)
    story.ends(order)
    assert story.ends(order).facts == ()
    assert len(story.replies) == 1


# Pauses.


@pytest.mark.parametrize("is_human", [True, False])
def test_a_pause_discards_what_is_awaited(is_human):
    story = AssistedStory()
    story.says("Hello")
    told = (
        story.echoes("I am here", "wamid.human") if is_human else story.wants(PauseChat(by="ada"))
    )
    answer = one(told, AnswerDiscarded)
    assert (answer.job_id, answer.answers) == (None, ("wamid.1",))
    assert (answer.reason, answer.action) == (DiscardReason.PAUSED, ActionTaken.IGNORED_PAUSED)
    assert next_due(story.state, story.policy)[1] is not Timer.ANSWER


def test_a_pause_discards_what_the_model_thinks_about_and_of_its_answer_only_the_cost_is_kept():
    story = asked_at_once()
    story.says("first")
    order = last_asked(story)
    story.says("second")
    decision = story.wants(PauseChat(by="ada"))
    assert kinds(decision) == ["BotPaused", "AnswerDiscarded", "AnswerDiscarded"]
    assert discarded(story) == [
        (("wamid.1",), DiscardReason.PAUSED),
        (("wamid.2",), DiscardReason.PAUSED),
    ]
    assert kinds(story.ends(order)) == ["ModelCalled"]
    assert story.ends(order).facts == ()
    assert story.replies == []


def test_a_pause_ends_the_retries_too():
    story = asked_at_once()
    story.says("Hello")
    story.fails(last_asked(story))
    story.wants(PauseChat(by="ada"))
    assert discarded(story) == [(("wamid.1",), DiscardReason.PAUSED)]
    assert story.state.jobs is None


def test_an_answer_that_comes_after_the_resume_is_not_given_either():
    story = asked_at_once()
    story.says("Hello")
    order = last_asked(story)
    story.wants(PauseChat(by="ada"))
    story.wants(ResumeChat(by="ada"))
    assert kinds(story.ends(order)) == ["ModelCalled"]


def test_what_was_written_in_a_pause_is_not_answered_but_known_afterwards():
    story = asked_at_once()
    story.wants(SendByHand(content=text_reply("x").content, by="ada"))
    story.says("Hello")
    story.ends(last_asked(story), text="Hi")
    story.report()
    story.echoes("Ada here", "wamid.human")
    decision = story.says("Thanks, Ada")
    assert one(decision, MessageReceived).action is ActionTaken.IGNORED_PAUSED
    story.wants(ResumeChat(by="ada"))
    story.says("One more thing")
    order = last_asked(story)
    assert texts(order) == ["Hello", "Hi", "Ada here", "Thanks, Ada", "One more thing"]
    origins = [Origin.USER, Origin.BOT, Origin.HUMAN, Origin.USER, Origin.USER]
    assert [one.origin for one in order.conversation] == origins
    assert order.unanswered == (order.conversation[-1].message_id,)


def test_a_conversation_that_begins_in_a_pause_is_remembered_from_its_start():
    story = asked_at_once()
    story.echoes("Ada here", "wamid.human")
    story.says("Hello Ada")
    story.wants(ResumeChat(by="ada"))
    story.says("And you, bot?")
    assert texts(last_asked(story)) == ["Ada here", "Hello Ada", "And you, bot?"]


# The end of the conversation.


def closes(story: AssistedStory, reason: CloseReason):
    match reason:
        case CloseReason.COMMAND:
            return story.says("/CLOSE")
        case CloseReason.OPERATOR:
            return story.operator_closes()
        case _:
            story.later(hours=25)
            return story.fires(Timer.IDLE_CLOSE)


@pytest.mark.parametrize("reason", [CloseReason.COMMAND, CloseReason.OPERATOR, CloseReason.IDLE])
def test_the_end_of_the_conversation_discards_what_is_awaited_or_sought(reason):
    story = asked_at_once()
    story.says("first")
    order = last_asked(story)
    story.says("second")
    decision = closes(story, reason)
    assert discarded(story) == [
        (("wamid.1",), DiscardReason.CLOSED),
        (("wamid.2",), DiscardReason.CLOSED),
    ]
    told = [fact for fact in decision.facts if isinstance(fact, AnswerDiscarded)]
    assert {fact.action for fact in told} == {ActionTaken.RECORDED}
    assert kinds(story.ends(order)) == ["ModelCalled"]


def test_a_conversation_closes_without_waiting_for_what_is_discarded():
    story = asked_at_once()
    story.says("Hello")
    assert kinds(story.operator_closes())[-1] == "ConversationClosed"


def test_a_message_after_the_close_is_answered_in_the_next_conversation():
    story = asked_at_once()
    story.says("Hello")
    late = last_asked(story)
    story.operator_closes()
    story.says("Again")
    story.ends(late, text="too late")
    assert texts(last_asked(story)) == ["Again"]
    story.ends(last_asked(story), text="Hi")
    assert story.replies == ["Hi"]


# Handlers.


class LeavesIt:
    name = "leaves_it"

    def can_handle(self, chat, message):
        return message.command == "LEAVE IT"

    def handle(self, chat, message):
        return (text_reply("One moment …"), CONVERSE)


class LeavesItAndCloses(LeavesIt):
    def handle(self, chat, message):
        return (Close(), CONVERSE)


def test_a_handler_can_leave_a_message_to_the_model():
    story = AssistedStory(policy(LeavesIt(), quiet=0, assistant={"is_responder": False}))
    decision = story.says("leave it")
    assert one(decision, MessageReceived).action is ActionTaken.AWAITING
    assert texts(last_asked(story)) == ["leave it", "One moment …"]


def test_a_message_that_is_left_to_the_model_at_the_end_of_the_conversation_is_discarded():
    story = AssistedStory(policy(LeavesItAndCloses(), quiet=0))
    story.says("leave it")
    assert discarded(story) == [(("wamid.1",), DiscardReason.CLOSED)]
    assert story.asked == []


class LeavesItTwice(LeavesIt):
    def handle(self, chat, message):
        return (CONVERSE, CONVERSE)


@pytest.mark.parametrize("quiet", [0, 1])
def test_a_message_that_is_left_to_the_model_twice_is_answered_once(quiet):
    story = AssistedStory(policy(LeavesItTwice(), quiet=quiet))
    decision = story.says("leave it")
    assert one(decision, AnswerAwaited).platform_message_id == "wamid.1"
    story.later(seconds=2)
    story.fires(Timer.ANSWER)
    story.ends(last_asked(story))
    assert given(story) == [("wamid.1",)]


def test_a_tenant_without_a_model_has_nobody_to_leave_a_message_to():
    story = Story(echo_policy(LeavesIt()))
    decision = story.says("leave it")
    assert one(decision, HandlerFailed).error == "NoModel"
    assert one(decision, MessageReceived).action is ActionTaken.HANDLER_FAILED


# What is remembered.


def test_only_the_last_utterances_are_remembered():
    story = asked_at_once()
    for number in range(40):
        story.says(str(number))
    assert story.state.assisted is not None
    said = story.state.assisted.said
    assert [one.text for one in said] == [str(number) for number in range(10, 40)]


def test_long_texts_are_cut_and_all_together_have_a_bound():
    story = asked_at_once()
    for _ in range(10):
        story.says("x" * 10_000)
    assert story.state.assisted is not None
    assert [len(one.text) for one in story.state.assisted.said] == [evolve_assisted.LONGEST] * 6


def test_of_an_echo_tenants_chat_nothing_is_remembered():
    story = Story()
    story.says("Hello")
    story.report()
    assert (story.state.assisted, story.state.jobs) == (None, None)


def test_the_model_is_told_who_the_person_is():
    story = asked_at_once()
    story.says("Hello")
    assert last_asked(story).name == "Ada Lovelace"
