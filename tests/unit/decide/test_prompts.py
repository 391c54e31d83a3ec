"""A handler asks the tenant's model through the log, and goes on with what it said."""

from schemas.content import JobKind, Prompt
from schemas.facts import HandlerFailed, ModelCalled, PromptAnswered, PromptAsked, ReplyGenerated
from schemas.inputs import PauseChat
from schemas.work import AskModel
from streams.decide.handlers import CONVERSE, Ask, Close, text_reply
from tests.support.assisted import AssistedStory, policy
from tests.support.story import kinds, one
from tests.support.story import policy as echo_policy

PROMPT = Prompt(instruction="In one word: what does the person want?", text="triage me")


class Triage:
    name = "triage"

    def can_handle(self, chat, message):
        return message.command == "TRIAGE ME"

    def handle(self, chat, message):
        return (Ask(PROMPT),)

    def answer(self, chat, answer, error):
        return (text_reply(f"You want: {answer.get('text')}, {error}"),)


class TriageAndClose(Triage):
    def handle(self, chat, message):
        return (Ask(PROMPT), Close())


class Breaks(Triage):
    def answer(self, chat, answer, error):
        raise KeyError("x")


class LeavesItAfterAll(Triage):
    def answer(self, chat, answer, error):
        return (CONVERSE,)


def told(handler: Triage, **settings: object) -> AssistedStory:
    return AssistedStory(policy(handler, quiet=0, **settings))


def prompts(story: AssistedStory) -> list[AskModel]:
    return [order for order in story.orders if isinstance(order, AskModel)]


def test_what_a_handler_asks_goes_to_the_model_and_comes_back_to_it():
    story = told(Triage())
    asked = one(story.says("triage me"), PromptAsked)
    (order,) = prompts(story)
    assert (asked.prompt, asked.handler, asked.in_reply_to) == (PROMPT, "triage", "wamid.1")
    assert (order.job_id, order.prompt) == (asked.job_id, PROMPT)
    decision = story.ends(order, text="help")
    assert kinds(decision) == ["ModelCalled", "PromptAnswered", "ReplyGenerated"]
    assert one(decision, ModelCalled).kind is JobKind.ASK
    assert one(decision, PromptAnswered).error is None
    assert one(decision, ReplyGenerated).handler == "triage"
    assert story.replies == ["You want: help, None"]


def test_a_tenant_that_echoes_can_ask_too():
    story = AssistedStory(echo_policy(Triage()))
    story.says("triage me")
    story.ends(prompts(story)[-1], text="help")
    assert story.replies == ["You want: help, None"]


def test_it_is_tried_again_and_at_last_the_handler_hears_why_there_is_no_answer():
    story = told(Triage())
    story.says("triage me")
    for _ in range(3):
        story.fails(prompts(story)[-1], "throttled")
        story.wakes()
    decision = story.fails(prompts(story)[-1], "throttled")
    assert one(decision, PromptAnswered).error == "throttled"
    assert story.replies == ["You want: None, throttled"]


def test_an_answer_that_comes_during_a_pause_leads_to_nothing():
    story = told(Triage())
    story.says("triage me")
    story.wants(PauseChat(by="ada"))
    assert kinds(story.ends(prompts(story)[-1])) == ["ModelCalled", "PromptAnswered"]


def test_a_conversation_closes_after_the_answer_that_its_handler_waits_for():
    story = told(TriageAndClose())
    assert "ConversationClosed" not in kinds(story.says("triage me"))
    assert "ConversationClosed" not in kinds(story.ends(prompts(story)[-1]))
    assert kinds(story.report())[-1] == "ConversationClosed"


def test_a_handler_that_breaks_at_the_answer_does_not_stop_its_chat():
    story = told(Breaks())
    story.says("triage me")
    failed = one(story.ends(prompts(story)[-1]), HandlerFailed)
    assert (failed.handler, failed.error, failed.in_reply_to) == ("triage", "KeyError", "wamid.1")
    assert story.state.jobs is None


def test_a_handler_can_leave_the_message_to_the_model_after_all():
    story = told(LeavesItAfterAll())
    story.says("triage me")
    decision = story.ends(prompts(story)[-1], text="chat")
    assert kinds(decision)[-2:] == ["AnswerAwaited", "AnswerRequested"]
    assert [one.text for one in story.asked[-1].conversation] == ["triage me"]


def test_but_not_if_the_model_was_not_in_the_conversation():
    story = told(LeavesItAfterAll(), assistant={"is_responder": False})
    story.says("triage me")
    failed = one(story.ends(prompts(story)[-1]), HandlerFailed)
    assert failed.error == "MessageForgotten"
