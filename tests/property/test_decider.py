"""Laws of the decider, whatever arrives, however often, and wherever it crashes."""

import itertools
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec, identity
from schemas.content import ActionTaken, Content, MessageKind, Origin, SendOutcome
from schemas.envelope import Recorded
from schemas.facts import (
    BotPaused,
    ConversationClosed,
    ConversationOpened,
    MessageReceived,
    MessageSendWithheld,
    QuestionAnswered,
    QuestionAsked,
    ReplyGenerated,
)
from schemas.inputs import (
    AnswerReported,
    AutoResume,
    CloseConversation,
    PauseChat,
    ResumeChat,
    SendByHand,
    SendReported,
    Timer,
    TimerFired,
)
from schemas.work import SendMessage
from tests.support import webhooks
from tests.support.inbox import TOPICS, Inbox

USERS = ("4915100000001", "4915100000002", "4915100000003")
WISH = Content(kind=MessageKind.TEXT, text="A word from the office")
WORDS = ("hello", "/HISTORY", "/CLOSE", "/STATS", "/WAPPA", "/EXIT", "again")

arrives = st.tuples(st.just("arrives"), st.integers(0, 2), st.sampled_from(WORDS))
repeats = st.tuples(st.just("repeats"), st.integers(0, 50), st.none())
decides = st.tuples(st.just("decides"), st.integers(1, 5), st.booleans())
agents = st.tuples(st.just("agents"), st.integers(0, 50), st.sampled_from(SendOutcome))
wishes = st.tuples(st.just("wishes"), st.integers(0, 2), st.integers(0, 4))
waits = st.tuples(st.just("waits"), st.integers(0, 30), st.integers(0, 2))
steps = st.lists(
    st.one_of(arrives, arrives, repeats, decides, agents, agents, wishes, waits), max_size=60
)


@dataclass
class World:
    """An inbox, and the clock of who writes to it."""

    inbox: Inbox = field(default_factory=Inbox)
    now: datetime = webhooks.T0
    count: int = 0

    def arrives(self, person, words):
        self.count += 1
        said = webhooks.text(words, wamid=f"wamid.{self.count}", user=USERS[person], at=self.now)
        for one in webhooks.inputs(webhooks.body(said), at=self.now):
            self.inbox.append(one)

    def repeats(self, which, _):
        if self.inbox.log:
            self.inbox.log.append(self.inbox.log[which % len(self.inbox.log)])

    def decides(self, count, crash):
        self.inbox.decide(count, crash=crash)

    def agents(self, which, outcome):
        if self.inbox.orders:
            order = self.inbox.orders[which % len(self.inbox.orders)]
            self.inbox.append(act(order, outcome, self.now))

    def wishes(self, person, which):
        self.count += 1
        chat = identity.chat_id(
            tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=USERS[person]
        )
        wish = (
            PauseChat(by="ada"),
            ResumeChat(by="ada"),
            AutoResume(by="cron"),
            SendByHand(content=WISH, by="ada"),
            CloseConversation(by="ada"),
        )[which]
        self.inbox.append(recorded(chat, wish, f"wish-{self.count}", self.now))

    def waits(self, hours, person):
        self.now += timedelta(hours=hours)
        for timer in Timer:
            self.inbox.append(fired(USERS[person], timer, self.now))


def play(story) -> Inbox:
    world = World()
    for step, first, second in story:
        getattr(world, step)(first, second)
    finish(world.inbox, world.now)
    return world.inbox


def finish(inbox: Inbox, now) -> None:
    """Let every agent act on every order, again and again, until nothing new happens."""
    inbox.drain()
    acted = -1
    while acted != len(inbox.orders):
        acted = len(inbox.orders)
        for order in inbox.orders:
            inbox.append(act(order, SendOutcome.SENT, now))
        now += timedelta(hours=2)
        for user, timer in itertools.product(USERS, (Timer.RETRY, Timer.CONFIRMATION)):
            inbox.append(fired(user, timer, now))
        inbox.drain()


def act(order, outcome, now):
    data = order.data
    if isinstance(data, SendMessage):
        input_id = identity.report_id(reply_id=data.reply_id, attempt=data.attempt)
        ended = SendReported(
            reply_id=data.reply_id,
            attempt=data.attempt,
            outcome=outcome,
            platform_message_id=f"out.{data.reply_id}",
            error_code=None if outcome is SendOutcome.SENT else "throttled",
            retryable=outcome is SendOutcome.FAILED and data.attempt % 2 == 1,
            started_at=now,
            finished_at=now,
        )
    else:
        input_id = identity.answer_id(data.question_id)
        ended = AnswerReported(question_id=data.question_id, answer={"reachable": True})
    return recorded(order.chat_id, ended, input_id, now)


def fired(user, timer, now):
    chat = identity.chat_id(tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=user)
    timer_id = identity.timer_id(chat=chat, timer=timer, due=now.isoformat())
    return recorded(chat, TimerFired(timer=timer, due=now), timer_id, now)


def recorded(chat, data, input_id, now):
    return Recorded(
        id=input_id,
        time=now,
        source="/test",
        tenant=webhooks.TENANT,
        chat_id=chat,
        causation_id=input_id,
        correlation_id=input_id,
        data=data,
    )


def by_chat(facts):
    chats = defaultdict(list)
    for fact in facts:
        chats[fact.chat_id].append(fact)
    return chats


@given(steps)
@settings(max_examples=150, deadline=None)
def test_numbers_have_no_gap_and_ids_no_double(story):
    facts = play(story).facts
    for chat in by_chat(facts).values():
        assert [fact.sequence for fact in chat] == list(range(1, len(chat) + 1))
    assert len({fact.id for fact in facts}) == len(facts)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_a_chat_has_at_most_one_open_conversation(story):
    for chat in by_chat(play(story).facts).values():
        is_open = False
        for fact in chat:
            if isinstance(fact.data, ConversationOpened):
                assert not is_open
                is_open = True
            if isinstance(fact.data, ConversationClosed):
                assert is_open
                is_open = False


@given(steps)
@settings(max_examples=150, deadline=None)
def test_each_message_is_recorded_once_and_answered_once(story):
    facts = [fact.data for fact in play(story).facts]
    received = [fact for fact in facts if isinstance(fact, MessageReceived)]
    replies = [f for f in facts if isinstance(f, ReplyGenerated) and f.origin is Origin.BOT]
    answered = Counter(f.in_reply_to for f in replies)
    ignored = {f.platform_message_id for f in received if f.action is ActionTaken.IGNORED_PAUSED}
    unanswered = asked_during_a_pause(facts)
    assert len({fact.platform_message_id for fact in received}) == len(received)
    assert set(answered.values()) <= {1}
    assert set(answered) == {f.platform_message_id for f in received} - ignored - unanswered
    actions = {ActionTaken.REPLIED, ActionTaken.COMMAND, ActionTaken.IGNORED_PAUSED}
    assert all(f.action in actions for f in received)


def asked_during_a_pause(facts):
    """The messages whose question was answered while the bot was silent."""
    asked = {f.question_id: f.in_reply_to for f in facts if isinstance(f, QuestionAsked)}
    ended = {f.question_id for f in facts if isinstance(f, QuestionAnswered)}
    replied = {f.in_reply_to for f in facts if isinstance(f, ReplyGenerated)}
    return {asked[one] for one in ended} - replied if any_pause(facts) else set()


def any_pause(facts):
    return any(isinstance(fact, BotPaused) for fact in facts)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_each_reply_is_handed_out_once_an_attempt_and_in_order(story):
    inbox = play(story)
    orders = [one.data for one in inbox.orders if isinstance(one.data, SendMessage)]
    generated = [f.data.reply_id for f in inbox.facts if isinstance(f.data, ReplyGenerated)]
    assert len({(o.reply_id, o.attempt) for o in orders}) == len(orders)
    assert {o.reply_id for o in orders} <= set(generated)
    for chat_id, chat in by_chat(inbox.facts).items():
        expected = [f.data.reply_id for f in chat if isinstance(f.data, ReplyGenerated)]
        sent = [
            o.data.reply_id
            for o in inbox.orders
            if o.chat_id == chat_id and isinstance(o.data, SendMessage) and o.data.attempt == 1
        ]
        withheld = {
            f.data.reply_id
            for f in chat
            if isinstance(f.data, MessageSendWithheld) and f.data.attempt == 1
        }
        assert sent == [reply_id for reply_id in expected if reply_id not in withheld]


@given(steps, st.integers(1, 7))
@settings(max_examples=100, deadline=None)
def test_crashes_and_the_cut_into_batches_leave_no_trace(story, size):
    played = play(story)
    again = Inbox()
    again.log = list(played.log)
    again.drain(size)
    assert again.committed.get(TOPICS.events) == played.committed.get(TOPICS.events)
    assert again.states == played.states


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_what_cannot_be_decoded_is_a_dead_letter_and_the_chat_goes_on(junk):
    inbox = Inbox()
    inbox.append_bytes(junk)
    (message,) = webhooks.inputs(webhooks.body(webhooks.text("hi", wamid="wamid.1")))
    inbox.append(message)
    inbox.drain()
    (letter,) = inbox.dead_letters
    assert letter.value == junk
    assert dict(letter.headers)["dl_origin"] == f"{TOPICS.inbox}/0/0".encode()
    assert any(isinstance(fact.data, MessageReceived) for fact in inbox.facts)


def test_an_id_is_forgotten_after_the_window():
    inbox = Inbox(window=timedelta(days=1))
    told = webhooks.body(webhooks.text("hi", wamid="wamid.1"))
    for day in (0, 0.5, 2):
        (message,) = webhooks.inputs(told, at=webhooks.T0 + timedelta(days=day))
        inbox.append(message)
    inbox.drain()
    received = [f for f in inbox.facts if isinstance(f.data, MessageReceived)]
    assert len(received) == 2


def test_every_fact_survives_its_bytes():
    inbox = play([("arrives", 0, word) for word in WORDS])
    for fact in inbox.facts:
        assert codec.decode(type(fact.data), codec.dumps(fact.data)) == fact.data
