"""What operators do is recorded with who did it."""

from schemas.content import Content, MessageKind, Origin
from schemas.facts import CloseRequested, CommandRefused, ReplyGenerated, SendRequested
from schemas.inputs import PauseChat, SendByHand
from tests.support import webhooks
from tests.support.story import Story, kinds, one

WORDS = Content(kind=MessageKind.TEXT, text="A word from the office")


def test_what_an_operator_writes_is_a_reply_of_theirs_and_leaves_like_any_other():
    story = Story()
    story.says("Hello")
    story.report()
    decision = story.wants(SendByHand(content=WORDS, by="ada", reply_to="wamid.1"))
    assert kinds(decision) == ["SendRequested", "ReplyGenerated"]
    generated = one(decision, ReplyGenerated)
    assert (generated.origin, generated.number) == (Origin.OPERATOR, 3)
    asked = one(decision, SendRequested)
    assert (asked.reply_id, asked.by) == (generated.reply_id, "ada")
    (order,) = decision.orders
    assert (order.content, order.to, order.reply_to) == (WORDS, webhooks.USER, "wamid.1")


def test_it_waits_for_what_is_on_its_way():
    story = Story()
    story.says("Hello")
    assert story.wants(SendByHand(content=WORDS, by="ada")).orders == ()
    assert story.report().orders[0].content == WORDS


def test_it_leaves_while_the_bot_is_paused():
    story = Story()
    story.says("Hello")
    story.report()
    story.wants(PauseChat(by="ada"))
    assert story.wants(SendByHand(content=WORDS, by="ada")).orders[0].content == WORDS
    assert story.state.pause is not None


def test_it_opens_a_conversation_where_none_is_open():
    story = Story()
    story.says("/CLOSE")
    story.report()
    decision = story.wants(SendByHand(content=WORDS, by="ada"))
    assert kinds(decision) == ["ConversationOpened", "SendRequested", "ReplyGenerated"]


def test_nothing_can_be_sent_where_nobody_has_written():
    story = Story()
    refused = one(story.wants(SendByHand(content=WORDS, by="ada")), CommandRefused)
    assert (refused.command, refused.by) == ("SendByHand", "ada")


def test_two_messages_by_hand_are_two_replies():
    story = Story()
    story.says("Hello")
    first = one(story.wants(SendByHand(content=WORDS, by="ada")), ReplyGenerated)
    second = one(story.wants(SendByHand(content=WORDS, by="ada")), ReplyGenerated)
    assert first.reply_id != second.reply_id


def test_a_close_says_who_wanted_it():
    story = Story()
    story.says("Hello")
    assert one(story.operator_closes(), CloseRequested).by == "ops"
