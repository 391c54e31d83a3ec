"""One person, two ids: which chat goes on, and what becomes of the other."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from msgspec.structs import replace

from schemas import identity
from schemas.content import CloseReason, SendOutcome
from schemas.envelope import Recorded
from schemas.facts import ChatMerged, ChatMoved, ConversationClosed
from schemas.inputs import ChatLinked, PauseChat, Timer
from streams.decide.chat import decide
from streams.decide.delivery import reference
from streams.decide.draft import Decision
from streams.decide.state import ChatState
from streams.decide.timers import next_due
from tests.support import webhooks
from tests.support.story import CHAT, Story, kinds, policy

PHONE, USER_ID = webhooks.USER, "DE.13491208655302741918"
OTHER = identity.chat_id(tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=USER_ID)
SOON = webhooks.T0 + timedelta(hours=1)
EARLIER, LATER = webhooks.T0 - timedelta(days=3), webhooks.T0 + timedelta(days=3)


@dataclass
class Named(Story):
    """The story of a chat that is told of another of the same person."""

    told_others: list[Recorded] = field(default_factory=list)
    links: int = 0

    def take(self, recorded: Recorded) -> Decision:
        decision = super().take(recorded)
        self.told_others += decision.told
        return decision

    def linked(self, **more: object) -> Decision:
        self.links += 1
        return self.take(self.told(link(**more), f"link-{self.links}"))

    def says_by_both(self, words: str) -> Decision:
        self.count += 1
        message = webhooks.text(words, wamid=f"wamid.{self.count}", at=self.now)
        return self.arrives(by_both(message))


def by_both(message: dict) -> dict:
    """The body of a message whose sender is named by phone and by business-scoped id."""
    body = webhooks.body(message)
    body["entry"][0]["changes"][0]["value"]["contacts"][0]["user_id"] = USER_ID
    return body


def link(**more: object) -> ChatLinked:
    told = {
        "chat_id": OTHER,
        "started_at": EARLIER,
        "platform": "whatsapp",
        "platform_user_id": USER_ID,
        "provider": "whatsapp_cloud",
        "account": webhooks.PHONE_ID,
        "is_group": False,
        "known_as": PHONE,
    }
    return ChatLinked(**(told | more))


def merged() -> Named:
    """A chat with an open conversation that has joined an older one; its reply has left."""
    story = Named()
    story.says("Hello")
    story.report()
    story.linked()
    story.told_others.clear()
    return story


def test_a_new_name_is_noted_once_and_its_chat_is_told():
    story = Named()
    first = story.says_by_both("Hello")
    assert "AliasLearned" in kinds(first)
    (told,) = first.told
    assert told.chat_id == OTHER
    assert told.data == link(
        chat_id=CHAT,
        started_at=webhooks.T0,
        platform_user_id=PHONE,
        known_as=USER_ID,
    )
    assert told.causation_id == told.correlation_id != told.id
    again = story.says_by_both("Again")
    assert kinds(again) == ["MessageReceived", "ReplyGenerated"]
    assert again.told == ()


def test_the_same_input_tells_the_same():
    (one,), (two,) = Named().says_by_both("Hello").told, Named().says_by_both("Hello").told
    assert one == two


def test_a_name_that_nobody_has_written_from_just_joins():
    story = Named()
    decision = story.linked(started_at=LATER)
    (fact,) = decision.facts
    assert fact == ChatMerged(
        into=OTHER,
        platform="whatsapp",
        platform_user_id=PHONE,
        provider="whatsapp_cloud",
        account=webhooks.PHONE_ID,
        is_group=False,
    )
    assert decision.told == ()


def test_the_younger_chat_joins_and_its_conversation_is_closed():
    story = Named()
    story.says("/WAPPA")
    story.report()
    decision = story.linked()
    assert kinds(decision) == [
        "ChatMerged",
        "ModeLeft",
        "ConversationClosing",
        "ConversationClosed",
    ]
    assert decision.facts[-1].reason is CloseReason.MERGED
    assert decision.told == ()
    assert next_due(story.state, story.policy) is None


def test_the_older_chat_answers_so_that_the_younger_joins():
    story = Named()
    story.says("Hello")
    decision = story.linked(started_at=LATER)
    assert kinds(decision) == ["AliasLearned"]
    (answer,) = decision.told
    assert answer.chat_id == OTHER
    assert (answer.data.chat_id, answer.data.known_as) == (CHAT, USER_ID)


def test_of_two_that_began_at_once_the_ids_decide_the_same_for_both():
    for ours, theirs in (("a", "b"), ("b", "a")):
        story = Named(state=ChatState(ours, webhooks.TENANT))
        story.says("Hello")
        decision = story.linked(chat_id=theirs, started_at=webhooks.T0)
        assert ("ChatMerged" in kinds(decision)) is (theirs < ours)


def test_a_chat_of_before_this_was_noted_counts_as_the_oldest():
    story = Named()
    story.says("Hello")
    story.state.started_at = None
    assert "ChatMerged" not in kinds(story.linked())


@pytest.mark.parametrize("its_id", [OTHER, CHAT])
def test_an_answer_that_comes_again_or_comes_home_changes_nothing(its_id: str):
    story = merged()
    decision = story.linked(chat_id=its_id)
    assert (decision.facts, decision.told) == ((), ())


def test_a_merged_chat_passes_on_what_arrives_under_the_same_id():
    story = merged()
    before = story.state
    (message,) = webhooks.inputs(webhooks.body(webhooks.text("More", wamid="wamid.9")))
    decision = story.take(message)
    assert decision.is_passed_on
    assert decision.told == (replace(message, chat_id=OTHER),)
    assert (decision.facts, decision.orders, decision.state) == ((), (), before)


def test_a_merged_chat_passes_on_an_operators_wish_and_another_link():
    story = merged()
    assert story.operator_closes().is_passed_on
    assert story.linked(chat_id="third").is_passed_on
    assert {one.chat_id for one in story.told_others} == {OTHER}


def test_a_merged_chat_finishes_its_own_replies_and_then_its_conversation():
    story = Named()
    story.says("one")
    story.says("two")
    story.linked()
    assert kinds(story.report()) == ["MessageSent"]
    assert len(story.sends) == 2
    assert kinds(story.report(SendOutcome.SENT)) == ["MessageSent", "ConversationClosed"]
    assert story.fires(Timer.IDLE_CLOSE).facts == ()
    assert story.told_others == []


def test_a_merged_chat_hands_the_answer_to_its_own_question():
    story = Named()
    story.says("/STATS")
    story.linked()
    decision = story.answer({"reachable": True})
    assert kinds(decision) == ["QuestionAnswered", "ReplyGenerated"]
    assert any(isinstance(fact, ConversationClosed) for fact in story.report().facts)


def test_a_merged_chat_records_the_statuses_of_its_own_replies_and_passes_on_others():
    story = merged()
    own = story.arrives(webhooks.body(statuses=[webhooks.status("read", wamid="wamid.out.1")]))
    assert kinds(own) == ["MessageStatusReported"]
    assert own.told == ()
    other = story.arrives(webhooks.body(statuses=[webhooks.status("read", wamid="wamid.x")]))
    assert other.is_passed_on


@pytest.mark.parametrize("chat", [CHAT, None])
def test_a_status_that_names_the_merged_chats_reply_is_its_own(chat: str | None):
    story = merged()
    order = story.sends[0]
    named = reference(order.reply_id, order.attempt, chat)
    told = webhooks.status("read", wamid="wamid.unheard", reference=named)
    decision = story.arrives(webhooks.body(statuses=[told]))
    assert decision.facts[-1].message_id == order.reply_id
    assert decision.told == ()


def test_a_status_that_names_another_chats_reply_goes_to_that_chat():
    story = Named()
    story.says_by_both("Hello")
    named = reference(identity.reply_id("cause", 0), 1, OTHER)
    told = webhooks.status("read", wamid="wamid.unheard", reference=named)
    decision = story.arrives(webhooks.body(statuses=[told]))
    assert decision.is_passed_on
    assert decision.told[-1].chat_id == OTHER


def test_a_reference_to_a_chat_of_anybody_else_is_not_believed():
    story = Named()
    story.says("Hello")
    reply_id = identity.reply_id("cause", 0)
    named = reference(reply_id, 1, OTHER)  # known to be nobody's we know
    told = webhooks.status("read", wamid="wamid.unheard", reference=named)
    decision = story.arrives(webhooks.body(statuses=[told]))
    assert kinds(decision) == ["MessageStatusReported"]
    assert decision.facts[0].message_id != reply_id
    assert decision.told == ()


def test_a_silenced_bot_stays_silent_in_the_chat_that_goes_on():
    story = Named()
    story.says("Hello")
    story.report()
    story.wants(PauseChat(by="ops"))
    decision = story.linked()
    assert "BotResumed" in kinds(decision)
    (told,) = decision.told
    assert (told.chat_id, type(told.data)) == (OTHER, PauseChat)
    assert next_due(story.state, story.policy) is None


def test_a_human_who_turns_out_to_have_spoken_silences_the_chat_that_goes_on():
    story = Named()
    story.says("Hello")
    story.echoes("I will look into it", "wamid.human")
    story.linked()
    decision = story.report()
    assert kinds(decision)[-4:] == [
        "BotPaused",
        "BotResumed",
        "ConversationClosing",
        "ConversationClosed",
    ]
    (told,) = decision.told
    assert (told.chat_id, type(told.data)) == (OTHER, PauseChat)
    assert next_due(story.state, story.policy) is None


def test_a_merged_chat_records_an_edit_and_tells_the_other_under_an_id_of_its_own():
    story = merged()
    edit = webhooks.text("Hi", wamid="wamid.5") | {"type": "edit"}
    edited = {"type": "text", "text": {"body": "Hi!"}}
    edit["edit"] = {"original_message_id": "wamid.1", "message": edited}
    decision = story.arrives(webhooks.body(edit))
    assert kinds(decision) == ["MessageEdited"]
    assert not decision.is_passed_on
    (copied,) = decision.told
    assert copied.chat_id == OTHER
    assert copied.id != copied.causation_id


def passed_on(words: str, *, at=SOON) -> Recorded:
    """What the chat of the phone passes on to that of the business-scoped id."""
    message = webhooks.text(words, wamid=f"wamid.{words}", at=at)
    (recorded,) = webhooks.inputs(by_both(message), at=at)
    return replace(recorded, chat_id=OTHER)


def older() -> ChatState:
    """The state of a chat by business-scoped id that the phone's chat has joined."""
    story = Named(state=ChatState(OTHER, webhooks.TENANT))
    only_id = webhooks.text("Hello", wamid="wamid.0") | {"from_user_id": USER_ID}
    body = webhooks.body(only_id)
    del body["entry"][0]["changes"][0]["value"]["messages"][0]["from"]
    body["entry"][0]["changes"][0]["value"]["contacts"] = [{"user_id": USER_ID}]
    story.arrives(body)
    story.report()
    story.linked(chat_id=CHAT, started_at=LATER, platform_user_id=PHONE, known_as=USER_ID)
    return story.state


def test_the_older_chat_takes_up_what_is_passed_on_and_answers_where_it_came_from():
    decision = decide(older(), passed_on("hi"), policy())
    assert kinds(decision) == [
        "ProfileChanged",
        "ChatMoved",
        "MessageReceived",
        "ReplyGenerated",
    ]
    assert decision.told == ()
    (order,) = decision.orders
    assert order.to == PHONE
    assert decision.state.address.platform_user_id == USER_ID


def test_what_was_written_before_a_move_does_not_move_the_chat_back():
    state = older()
    moved = decide(state, passed_on("hi"), policy()).state
    late = webhooks.text("late", wamid="wamid.late", at=webhooks.T0) | {"from_user_id": USER_ID}
    body = webhooks.body(late)
    del body["entry"][0]["changes"][0]["value"]["messages"][0]["from"]
    body["entry"][0]["changes"][0]["value"]["contacts"] = [{"user_id": USER_ID}]
    (recorded,) = webhooks.inputs(body, at=SOON)
    decision = decide(moved, recorded, policy())
    assert decision.state.reached_at == PHONE


def test_a_changed_number_moves_the_chat_there():
    story = Named()
    story.says("Hello")
    story.report()
    changed = webhooks.text("", wamid="wamid.2") | {"type": "system"}
    changed["system"] = {"type": "user_changed_number", "wa_id": "4915100000009"}
    decision = story.arrives(webhooks.body(changed))
    assert kinds(decision) == ["AliasLearned", "ChatMoved", "NoticeRecorded"]
    (told,) = decision.told
    assert told.data.moved_to == "4915100000009"
    story.later(minutes=1)
    story.says("Still here")
    assert story.sends[-1].to == PHONE  # what is written later from there is answered there


def test_a_notice_of_another_name_begins_the_chat_and_the_first_message_is_still_welcomed():
    story = Named()
    changed = webhooks.text("", wamid="wamid.2") | {"type": "system"}
    changed["system"] = {"type": "user_changed_number", "wa_id": "4915100000009"}
    assert kinds(story.arrives(webhooks.body(changed)))[0] == "ChatStarted"
    story.later(minutes=1)
    story.says("Hello")
    assert "Welcome" in story.replies[0]


def test_the_younger_chat_tells_the_older_where_both_are_reached():
    story = Named()
    story.says("Hello")
    decision = story.linked(started_at=LATER, moved_to=USER_ID)
    assert decision.facts[-1] == ChatMoved(platform_user_id=USER_ID)
    assert story.state.reached_at == USER_ID
