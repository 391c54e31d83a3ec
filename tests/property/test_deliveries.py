"""Laws of deliveries: whatever is told, in whatever order, of what we send and what others do."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.content import Content, MessageKind, Origin, SendOutcome, Status
from schemas.envelope import Recorded
from schemas.facts import (
    BotPaused,
    DeliveryAbandoned,
    EchoHeld,
    MessageReceived,
    MessageSendConfirmed,
    MessageSent,
    ReplyGenerated,
)
from schemas.inputs import (
    AutoResume,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    SendByHand,
)
from schemas.tenants import Fallback
from schemas.work import SendMessage
from streams.decide import snapshot
from streams.decide.delivery import reference
from streams.decide.evolve import evolve
from streams.decide.state import ChatState, Wait
from streams.decide.timers import next_due
from tests.support import oracle, webhooks
from tests.support.plain_provider import plain_provider
from tests.support.story import CHAT, Story, policy

__all__ = ["plain_provider"]

pytestmark = pytest.mark.usefixtures("plain_provider")

WORDS = Content(kind=MessageKind.TEXT, text="A word from the office")
NAME = "wamid.out"


def delivered(story: Story) -> dict[str, Any]:
    """The row of the reply, without what differs by the time it was written."""
    rows = tables(story)["messages"]
    (row,) = (row for row in rows.values() if row["origin"] != Origin.USER)
    return {
        name: row.get(name) for name in ("delivery_status", "platform_message_id", "error_code")
    }


def tables(story: Story) -> oracle.Tables:
    return oracle.tables(
        Recorded(
            id=str(number),
            time=webhooks.T0,
            source="/test",
            tenant=webhooks.TENANT,
            chat_id=CHAT,
            causation_id="",
            correlation_id="",
            data=fact,
            sequence=number,
        )
        for number, fact in enumerate(story.facts, 1)
    )


def happenings(story: Story, *, ended: str, echo: dict[str, object], referred: bool):
    """What is told of the one reply: each can come before each other."""
    order = story.sends[0]
    named = {"reference": reference(order.reply_id, order.attempt)} if echo.get("named") else {}
    by = {"from_human": not echo["is_own"], "is_own": echo["is_own"]}
    reports = {
        "sent": lambda: story.report(of=order, platform_message_id=NAME),
        "sent without a name": lambda: story.report(of=order, platform_message_id=None),
        "lost": lambda: story.report(SendOutcome.SAVED_ONLY, of=order, platform_message_id=None),
    }
    of = order if referred else None
    return [
        reports[ended],
        lambda: story.echoes(order.content.text or "", NAME, **by, **named),
        lambda: story.status(Status.SENT, NAME, of),
        lambda: story.status(Status.DELIVERED, NAME, of),
        lambda: story.status(Status.READ, NAME, of),
    ]


@pytest.mark.parametrize("ended", ["sent", "sent without a name", "lost"])
@pytest.mark.parametrize("is_own", [True, False])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("referred", [True, False])
def test_report_echo_and_statuses_give_one_row_and_no_takeover_in_any_order(
    ended, is_own, named, referred
):
    for places in permutations(range(5)):
        story = Story()
        story.says("Hello")
        echo = {"is_own": is_own, "named": named}
        told = happenings(story, ended=ended, echo=echo, referred=referred)
        for place in places:
            told[place]()
        assert delivered(story) == {
            "delivery_status": "read",
            "platform_message_id": NAME,
            "error_code": None,
        }
        assert story.state.pause is None
        assert not any(isinstance(fact, BotPaused) for fact in story.facts)
        assert (story.state.held, story.state.echoes, story.state.early) == ((), (), ())


@pytest.mark.parametrize("referred", [True, False])
def test_a_failure_that_is_told_ends_in_the_same_row_wherever_it_comes(referred):
    rows = []
    for places in permutations(range(3)):
        story = Story()
        story.says("Hello")
        order, of = story.sends[0], story.sends[0] if referred else None
        told = [
            lambda s=story, o=order: s.report(of=o, platform_message_id=NAME),
            lambda s=story, o=of: s.status(Status.SENT, NAME, o),
            lambda s=story, o=of: s.status(Status.FAILED, NAME, o),
        ]
        for place in places:
            told[place]()
        rows.append(delivered(story))
        assert sum(isinstance(fact, DeliveryAbandoned) for fact in story.facts) == 1
        assert [one.wait for one in story.state.held] == [Wait.OPERATOR]
    assert all(row == rows[0] for row in rows)
    assert rows[0]["delivery_status"] == "failed"


def test_a_humans_echo_is_a_takeover_in_any_order():
    for places in permutations(range(3)):
        story = Story()
        story.says("Hello")
        order = story.sends[0]
        told = [
            lambda s=story, o=order: s.report(of=o, platform_message_id=NAME),
            lambda s=story, o=order: s.echoes(o.content.text or "", NAME),
            lambda s=story: s.echoes("I am here now", "wamid.human"),
        ]
        for place in places:
            told[place]()
        human = [row for row in tables(story)["messages"].values() if row["origin"] == "human"]
        assert [row["platform_message_id"] for row in human] == ["wamid.human"]
        assert story.state.pause is not None


ACTIONS = st.one_of(
    st.tuples(st.just("says"), st.sampled_from(["hello", "/CLOSE", "/HISTORY"])),
    st.tuples(st.just("ends"), st.sampled_from(["sent", "nameless", "refused", "lasting", "lost"])),
    st.tuples(st.just("ends"), st.sampled_from(["sent", "refused", "lasting", "lost"])),
    st.tuples(st.just("status"), st.sampled_from([*Status])),
    st.tuples(st.just("early"), st.sampled_from([*Status])),
    st.tuples(st.just("echo"), st.sampled_from(["ours", "words", "human", "program", "history"])),
    st.tuples(st.just("operator"), st.sampled_from(["send", "pause", "resume", "auto", "retry"])),
    st.tuples(st.just("waits"), st.sampled_from([1, 60, 130, 400, 4000, 90_000])),
    st.tuples(st.just("wakes"), st.none()),
)
POLICIES = st.sampled_from(
    [
        policy(),
        policy(unconfirmed="resend"),
        policy(fallbacks=(Fallback(provider="texts", account="AC1"),)),
    ]
)


def named(order: SendMessage) -> str:
    """What the provider calls an attempt."""
    return f"wamid.out.{order.reply_id}.{order.attempt}"


class Life:
    """A chat in which anything happens; `away` is what the delivery agent has."""

    def __init__(self, chosen) -> None:
        self.story = Story(chosen)
        self.away: list[SendMessage] = []
        self.ordered: list[SendMessage] = []
        self.names = 0

    def live(self, actions) -> Iterator[None]:
        for action, what in actions:
            getattr(self, action)(what)
            self.look()
            yield

    def look(self) -> None:
        """Take up new orders, and check that there is never a second one on its way."""
        new = self.story.sends[len(self.ordered) :]
        self.ordered += new
        self.away += new
        assert len(self.away) <= 1

    def says(self, words) -> None:
        self.story.says(words)

    def ends(self, how) -> None:
        if not self.away:
            return
        order = self.away.pop()
        story, name = self.story, named(order)
        match how:
            case "sent":
                story.report(of=order, platform_message_id=name)
            case "nameless":
                story.report(of=order, platform_message_id=None)
            case "refused":
                story.refuse(of=order)
            case "lasting":
                story.refuse("blocked_by_user", of=order)
            case "lost":
                story.report(SendOutcome.SAVED_ONLY, of=order, platform_message_id=None)

    def status(self, word) -> None:
        if self.ordered:
            self.story.status(word, named(self.ordered[-1]), self.ordered[-1])

    def early(self, word) -> None:
        name = named(self.away[0]) if self.away else "wamid.of.nobody"
        self.story.status(word, name)

    def echo(self, whose) -> None:
        self.names += 1
        name, story = f"wamid.echo.{self.names}", self.story
        words = self.ordered[-1].content.text if self.ordered else "x"
        match whose:
            case "ours" if story.state.sent:
                story.echoes("x", story.state.sent[-1].platform_message_id)
            case "words":
                story.echoes(words or "", name)
            case "human":
                story.echoes("I am here now", name)
            case "program":
                story.echoes("Your parcel", name, is_own=True)
            case "history":
                story.echoes("Good old times", name, is_history=True, from_human=False)

    def operator(self, wants) -> None:
        held = self.story.state.held
        reply_id = held[0].reply.reply_id if held else "nothing"
        self.story.wants(
            {
                "send": SendByHand(content=WORDS, by="ada"),
                "pause": PauseChat(by="ada"),
                "resume": ResumeChat(by="ada"),
                "auto": AutoResume(by="cron"),
                "retry": RetryDelivery(reply_id=reply_id, by="ada"),
            }[wants]
        )

    def waits(self, seconds) -> None:
        self.story.later(seconds=seconds)

    def wakes(self, _: None) -> None:
        if next_due(self.story.state, self.story.policy) is not None:
            self.story.wakes()

    def finish(self) -> None:
        """Send whatever is ordered and let every timer fire."""
        for _ in range(400):
            self.look()
            if self.away:
                self.ends("sent")
            elif next_due(self.story.state, self.story.policy) is not None:
                self.story.wakes()
            else:
                return
        raise AssertionError("the chat never comes to rest")


def lived(chosen, actions: Sequence[tuple[str, Any]]) -> Life:
    life = Life(chosen)
    for _ in life.live(actions):
        pass
    return life


@given(POLICIES, st.lists(ACTIONS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_one_reply_is_on_its_way_and_no_attempt_is_ordered_twice(chosen, actions):
    life = lived(chosen, actions)
    life.finish()
    attempts = [(order.reply_id, order.attempt) for order in life.ordered]
    assert len(set(attempts)) == len(attempts)


@given(POLICIES, st.lists(ACTIONS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_every_reply_ends_sent_or_with_an_operator(chosen, actions):
    life = lived(chosen, actions)
    life.finish()
    state, facts = life.story.state, life.story.facts
    left = {f.reply_id for f in facts if isinstance(f, MessageSent | MessageSendConfirmed)}
    kept = {one.reply.reply_id for one in state.held}
    generated = {fact.reply_id for fact in facts if isinstance(fact, ReplyGenerated)}
    assert state.outbox == ()
    assert not any(one.holds or one.wait is Wait.RETRY for one in state.held)
    assert generated == left | kept


@given(POLICIES, st.lists(ACTIONS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_first_attempts_leave_in_the_order_of_the_replies(chosen, actions):
    life = lived(chosen, actions)
    life.finish()
    facts = life.story.facts
    generated = [fact.reply_id for fact in facts if isinstance(fact, ReplyGenerated)]
    first = [order.reply_id for order in life.ordered if order.attempt == 1]
    assert first == [reply_id for reply_id in generated if reply_id in set(first)]


@given(POLICIES, st.lists(ACTIONS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_the_state_is_the_fold_of_the_facts_and_survives_its_bytes(chosen, actions):
    life = Life(chosen)
    state = ChatState(CHAT, webhooks.TENANT)
    folded = 0
    for _ in life.live(actions):
        for fact in life.story.facts[folded:]:
            state = evolve(state, fact, life.story.now)
        folded = len(life.story.facts)
        assert state == life.story.state
        due = next_due(state, chosen)
        assert snapshot.decode(snapshot.encode(state, due)) == state


@given(POLICIES, st.lists(ACTIONS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_what_is_remembered_is_bounded_and_no_echo_is_held_at_rest(chosen, actions):
    life = lived(chosen, actions)
    state = life.story.state
    assert (len(state.recent), len(state.echoes), len(state.early)) <= (3, 10, 10)
    life.finish()
    assert life.story.state.echoes == ()


@given(POLICIES, st.lists(ACTIONS, max_size=40))
@settings(max_examples=300, deadline=None)
def test_each_echo_is_recorded_once_or_is_ours(chosen, actions):
    life = lived(chosen, actions)
    life.finish()
    facts = life.story.facts
    received = [fact.message_id for fact in facts if isinstance(fact, MessageReceived)]
    assert len(set(received)) == len(received)
    held = {fact.platform_message_id for fact in facts if isinstance(fact, EchoHeld)}
    found = {getattr(f, "platform_message_id", None) for f in facts if not isinstance(f, EchoHeld)}
    assert held <= found


@given(POLICIES, st.lists(ACTIONS, max_size=40))
@settings(max_examples=200, deadline=None)
def test_no_name_is_given_to_two_rows(chosen, actions):
    life = lived(chosen, actions)
    life.finish()
    rows = tables(life.story)["messages"].values()
    names = [row["platform_message_id"] for row in rows if row.get("platform_message_id")]
    assert len(set(names)) == len(names)
