"""When a conversation closes, the model sums it up, and is told of it in the next."""

from schemas.content import DiscardReason
from schemas.facts import (
    AnswerDiscarded,
    ConversationSummarised,
    MessageDeleted,
    ModelCalled,
    SummaryRequested,
)
from streams.decide import snapshot
from streams.decide.draft import Decision
from tests.support import webhooks
from tests.support.assisted import AssistedStory, policy
from tests.support.story import Story, kinds, one


def talked(**settings: object) -> AssistedStory:
    """One message, answered and sent."""
    story = AssistedStory(policy(quiet=0, **settings))
    story.says("When are you open?")
    story.ends(story.asked[-1], text="From nine.")
    story.report()
    return story


def test_a_conversation_that_closes_is_summed_up():
    story = talked()
    decision = story.operator_closes()
    assert kinds(decision)[-2:] == ["SummaryRequested", "ConversationClosed"]
    asked, (order,) = one(decision, SummaryRequested), story.summaries
    assert (order.job_id, order.conversation_id) == (asked.job_id, asked.conversation_id)
    assert [one.text for one in order.conversation] == ["When are you open?", "From nine."]
    ended = story.ends(order, text="Ada asked for the opening hours.")
    assert kinds(ended) == ["ModelCalled", "ConversationSummarised"]
    summarised = one(ended, ConversationSummarised)
    assert summarised.conversation_id == asked.conversation_id
    assert one(ended, ModelCalled).job_id == order.job_id


def test_the_next_conversation_begins_with_the_last_summary():
    story = talked()
    story.operator_closes()
    story.ends(story.summaries[-1], text="Opening hours.")
    story.says("Hello again")
    order = story.asked[-1]
    assert order.summary == "Opening hours."
    assert [one.text for one in order.conversation] == ["Hello again"]
    story.operator_closes()
    assert story.summaries[-1].summary == "Opening hours."


def test_a_summary_that_comes_after_that_of_a_later_conversation_is_not_the_latest():
    story = talked()
    story.operator_closes()
    story.says("Hello again")
    story.ends(story.asked[-1], text="Hello.")
    story.report()
    story.operator_closes()
    earlier, later = story.summaries
    assert one(story.ends(later, text="Greetings."), ConversationSummarised).is_latest
    late = one(story.ends(earlier, text="Opening hours."), ConversationSummarised)
    assert (late.conversation_id, late.is_latest) == (earlier.conversation_id, False)
    assert story.state.assisted.summary == "Greetings."


def test_the_close_does_not_wait_for_the_summary_and_nothing_said_stays_behind():
    story = talked()
    story.operator_closes()
    assert story.state.conversation is None
    assert story.state.assisted is None
    story.ends(story.summaries[-1], text="Short.")
    assert story.state.assisted is not None
    assert (story.state.assisted.said, story.state.assisted.summary) == ((), "Short.")
    assert story.state.jobs is None


def test_a_summary_is_tried_again_with_the_same_words_and_then_gone_without():
    story = talked()
    story.operator_closes()
    for _ in range(3):
        story.fails(story.summaries[-1])
        story.wakes()
    assert len({order.conversation for order in story.summaries}) == 1
    assert kinds(story.fails(story.summaries[-1])) == ["JobFailed", "JobAbandoned"]
    assert story.state.jobs is None


def test_a_summary_of_nothing_is_none():
    story = talked()
    story.operator_closes()
    assert kinds(story.ends(story.summaries[-1], text=" "))[-1] == "JobAbandoned"


def test_the_tenant_may_want_no_summary():
    story = talked(assistant={"summarises": False})
    story.operator_closes()
    assert story.summaries == []
    assert story.state.assisted is None


def test_an_echo_tenants_conversation_has_none():
    story = Story()
    story.says("Hello")
    story.report()
    story.operator_closes()
    assert "SummaryRequested" not in [fact.type.partition(".")[0] for fact in story.facts]


def test_a_later_conversations_summary_is_not_replaced_by_an_earlier_ones():
    story = talked()
    story.operator_closes()
    story.says("Second")
    story.operator_closes()
    first, second = story.summaries
    story.ends(second, text="second")
    story.ends(first, text="first")
    assert story.state.assisted is not None
    assert story.state.assisted.summary == "second"


def test_at_most_three_summaries_are_sought_at_a_time():
    story = talked()
    for _ in range(5):
        story.says("again")
        story.operator_closes()
    assert len(story.summaries) == 3


def test_a_chat_with_a_model_survives_its_bytes():
    story = talked()
    story.operator_closes()
    story.says("Again")
    story.says("and again")
    assert snapshot.decode(snapshot.encode(story.state, None)) == story.state


# What is edited and taken back.


def changed(kind: str, target: str, **more: object) -> dict[str, object]:
    told = {kind: {"original_message_id": target, **more}}
    return {"from": webhooks.USER, "id": f"{target}.{kind}", "type": kind, **told}


def edits(story: AssistedStory, target: str, words: str) -> Decision:
    message = {"type": "text", "text": {"body": words}}
    return story.arrives(webhooks.body(changed("edit", target, message=message)))


def takes_back(story: AssistedStory, target: str) -> Decision:
    return story.arrives(webhooks.body(changed("revoke", target)))


def test_the_model_is_told_what_a_message_says_now():
    story = AssistedStory()
    story.says("Helo")
    edits(story, "wamid.1", "Hello")
    story.wakes()
    assert [one.text for one in story.asked[-1].conversation] == ["Hello"]


def test_a_message_that_is_taken_back_before_the_model_was_asked_gets_no_answer():
    story = AssistedStory()
    story.says("Oops")
    decision = takes_back(story, "wamid.1")
    assert isinstance(decision.facts[0], MessageDeleted)
    told = one(decision, AnswerDiscarded)
    assert (told.answers, told.reason) == (("wamid.1",), DiscardReason.DELETED)
    story.says("Hello")
    story.later(seconds=2)
    story.wakes()
    assert [one.text for one in story.asked[-1].conversation] == ["Hello"]


def test_one_that_is_taken_back_while_the_model_thinks_is_answered_and_then_forgotten():
    story = AssistedStory(policy(quiet=0))
    story.says("Oops")
    order = story.asked[-1]
    assert kinds(takes_back(story, "wamid.1")) == ["MessageDeleted"]
    story.ends(order, text="Hm?")
    story.says("Hello")
    assert [one.text for one in story.asked[-1].conversation] == ["Hm?", "Hello"]
