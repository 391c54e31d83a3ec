"""The bot is silent while a human talks, or while an operator wants it so."""

from datetime import timedelta

import pytest

from schemas.content import ActionTaken, Content, MessageKind, PauseReason
from schemas.facts import BotPaused, BotResumed, MessageReceived
from schemas.inputs import AutoResume, PauseChat, ResumeChat, SendByHand, Timer
from streams.decide.timers import next_due
from tests.support.story import Story, kinds, one, policy

HOUR = timedelta(hours=1)
WORDS = Content(kind=MessageKind.TEXT, text="A word from the office")


def started(**settings) -> Story:
    story = Story(policy(**settings))
    story.says("Hello")
    story.report()
    return story


def taken_over(**settings) -> Story:
    story = started(**settings)
    story.echoes("I am here now", "wamid.human")
    return story


def test_a_humans_message_pauses_the_bot():
    story = started()
    told = story.echoes("I am here now", "wamid.human")
    paused = one(told, BotPaused)
    assert (paused.reason, paused.by) == (PauseReason.HUMAN_TAKEOVER, None)
    assert one(told, MessageReceived).action is ActionTaken.PAUSED


def test_messages_of_a_paused_chat_are_recorded_and_not_answered():
    story = taken_over()
    decision = story.says("And now?")
    assert kinds(decision) == ["MessageReceived"]
    assert one(decision, MessageReceived).action is ActionTaken.IGNORED_PAUSED
    assert decision.orders == ()


def test_commands_are_not_answered_either():
    story = taken_over()
    assert kinds(story.says("/HISTORY")) == ["MessageReceived"]


def test_an_answer_that_comes_during_the_pause_is_not_passed_on():
    story = started()
    story.says("/STATS")
    story.echoes("I am here now", "wamid.human")
    assert kinds(story.answer({})) == ["QuestionAnswered"]


def test_a_human_who_goes_on_writing_pauses_once():
    story = taken_over()
    told = story.echoes("And one more thing", "wamid.human.2")
    assert kinds(told) == ["MessageReceived"]
    assert one(told, MessageReceived).action is ActionTaken.RECORDED


def test_an_operator_pauses_and_resumes():
    story = started()
    paused = one(story.wants(PauseChat(by="ada")), BotPaused)
    assert (paused.reason, paused.by) == (PauseReason.MANUAL_PAUSE, "ada")
    assert kinds(story.says("And now?")) == ["MessageReceived"]
    resumed = one(story.wants(ResumeChat(by="bob")), BotResumed)
    assert (resumed.by, resumed.is_automatic) == ("bob", False)
    assert "ReplyGenerated" in kinds(story.says("And now?"))


def test_a_second_pause_and_a_second_resume_change_nothing():
    story = started()
    story.wants(PauseChat(by="ada"))
    assert kinds(story.wants(PauseChat(by="bob"))) == []
    story.wants(ResumeChat(by="ada"))
    assert kinds(story.wants(ResumeChat(by="bob"))) == []


def test_an_operator_may_make_a_takeover_a_pause_of_their_own():
    story = taken_over()
    assert one(story.wants(PauseChat(by="ada")), BotPaused).reason is PauseReason.MANUAL_PAUSE


def test_a_chat_that_never_began_cannot_be_paused():
    story = Story()
    assert kinds(story.wants(PauseChat(by="ada"))) == ["CommandRefused"]


def test_the_bot_answers_again_after_two_hours_without_a_human():
    story = taken_over()
    taken_at = story.now
    assert next_due(story.state, story.policy) == (taken_at + 2 * HOUR, Timer.AUTO_RESUME)
    resumed = one(story.wakes(), BotResumed)
    assert (resumed.by, resumed.is_automatic) == (None, True)
    assert story.now == taken_at + 2 * HOUR
    assert "ReplyGenerated" in kinds(story.says("And now?"))


@pytest.mark.parametrize(
    "human",
    [
        lambda story: story.echoes("And one more thing", "wamid.human.2"),
        lambda story: story.wants(SendByHand(content=WORDS, by="ada")),
    ],
)
def test_the_two_hours_begin_anew_with_each_word_of_a_human(human):
    story = taken_over()
    story.later(hours=1)
    human(story)
    last = story.now
    assert next_due(story.state, story.policy) == (last + 2 * HOUR, Timer.AUTO_RESUME)


def test_the_users_words_do_not_make_the_pause_longer():
    story = taken_over()
    taken_at = story.now
    story.later(hours=1)
    story.says("Still there?")
    assert next_due(story.state, story.policy) == (taken_at + 2 * HOUR, Timer.AUTO_RESUME)


def test_a_message_after_the_two_hours_is_answered_though_the_timer_is_late():
    story = taken_over()
    story.later(hours=3)
    decision = story.says("And now?")
    assert kinds(decision) == ["BotResumed", "MessageReceived", "ReplyGenerated"]


def test_the_tenant_chooses_the_hours():
    story = taken_over(auto_resume=timedelta(minutes=5))
    story.later(minutes=5)
    assert kinds(story.fires(Timer.AUTO_RESUME)) == ["BotResumed"]


def test_a_tenant_may_want_the_bot_silent_until_an_operator_says_so():
    story = taken_over(auto_resume=None)
    assert next_due(story.state, story.policy)[1] is Timer.IDLE_CLOSE
    story.later(hours=20)
    assert kinds(story.wants(AutoResume(by="cron"))) == []


def test_auto_resume_on_demand_resumes_only_what_is_over():
    story = taken_over()
    story.later(hours=1)
    assert kinds(story.wants(AutoResume(by="cron"))) == []
    story.later(hours=1)
    resumed = one(story.wants(AutoResume(by="cron")), BotResumed)
    assert (resumed.by, resumed.is_automatic) == ("cron", True)


def test_a_timer_that_fires_too_early_leaves_the_pause():
    story = taken_over()
    story.later(minutes=119)
    assert kinds(story.fires(Timer.AUTO_RESUME)) == []


def test_a_humans_message_in_a_group_pauses_nobody():
    story = Story()
    told = story.echoes("Hello all", "wamid.group", is_group=True)
    assert "BotPaused" not in kinds(told)


def test_replies_that_were_on_their_way_still_leave():
    story = started()
    story.says("one")
    story.wants(PauseChat(by="ada"))
    assert kinds(story.report()) == ["MessageSent"]
