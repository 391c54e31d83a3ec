"""What was imported is recorded, and nothing follows from it."""

from schemas import identity
from schemas.content import ActionTaken, Origin
from schemas.facts import MessageImported
from schemas.inputs import Timer
from streams.decide.timers import next_due
from tests.support.story import CHAT, Story, kinds, one


def imported(story: Story, words: str, name: str, **more: object):
    return story.echoes(words, name, is_history=True, **({"from_human": False} | more))


def test_an_imported_message_begins_the_chat_and_is_neither_answered_nor_welcomed():
    story = Story()
    decision = imported(story, "From last year", "wamid.old")
    assert kinds(decision) == ["ChatStarted", "ProfileChanged", "MessageImported"]
    found = one(decision, MessageImported)
    assert (found.action, found.origin) == (ActionTaken.IMPORTED, Origin.USER)
    assert found.conversation_id == identity.conversation_id(CHAT, 0)
    assert decision.orders == ()
    assert next_due(story.state, story.policy) is None


def test_who_is_known_from_an_import_is_not_welcomed_as_new():
    story = Story()
    imported(story, "From last year", "wamid.old")
    story.says("Hello")
    assert "Welcome" not in story.replies[0]
    assert "Message #1 in this conversation" in story.replies[0]


def test_imported_messages_are_numbered_beside_the_conversations():
    story = Story()
    story.says("Hello")
    numbers = [one(imported(story, "x", f"wamid.{n}.old"), MessageImported).number for n in "abc"]
    assert numbers == [1, 2, 3]
    assert story.state.conversation.message_count == 2


def test_an_import_keeps_no_conversation_open():
    story = Story()
    story.says("Hello")
    story.report()
    due = next_due(story.state, story.policy)
    story.later(hours=23)
    imported(story, "From last year", "wamid.old")
    assert next_due(story.state, story.policy) == due
    story.later(hours=1)
    assert "ConversationClosed" in kinds(story.fires(Timer.IDLE_CLOSE))
    assert kinds(imported(story, "Older still", "wamid.older")) == ["MessageImported"]
    assert story.state.conversation is None


def test_a_humans_imported_message_takes_nothing_over():
    story = Story()
    story.says("Hello")
    decision = imported(story, "Good old times", "wamid.old", from_human=True)
    assert kinds(decision) == ["MessageImported"]
    assert one(decision, MessageImported).origin is Origin.HUMAN
    assert story.state.pause is None


def test_what_we_sent_ourselves_is_not_imported_again():
    story = Story()
    story.says("Hello")
    story.report(platform_message_id="wamid.out")
    decision = imported(story, "whatever", "wamid.out", from_human=True)
    assert kinds(decision) == ["EchoRecognised"]


def test_an_import_does_not_open_the_window():
    story = Story()
    imported(story, "From last year", "wamid.old")
    assert story.state.heard_at is None
