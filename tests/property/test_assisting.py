"""Laws of the model's answers and of jobs, whatever comes, however often and in whatever order."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.protocol import Message
from schemas import identity
from schemas.content import (
    ActionTaken,
    Content,
    JobKind,
    Media,
    MessageKind,
    Person,
    SendOutcome,
    Usage,
)
from schemas.envelope import Recorded
from schemas.facts import (
    AnswerAwaited,
    AnswerDiscarded,
    AnswerGiven,
    AnswerRequested,
    BotPaused,
    BotResumed,
    ConversationClosing,
    ConversationOpened,
    ConversationSummarised,
    Fact,
    JobAbandoned,
    JobRetryRequested,
    MediaDescribed,
    MediaJobRequested,
    MediaStored,
    MediaTextExtracted,
    MediaTranscribed,
    MessageReceived,
    ModelCalled,
    ReplyGenerated,
    SummaryRequested,
)
from schemas.inputs import (
    AutoResume,
    CloseConversation,
    JobReported,
    PauseChat,
    ResumeChat,
    RetryJob,
    SendReported,
    Timer,
    TimerFired,
)
from schemas.work import GenerateAnswer, ProcessMedia, SendMessage
from streams.decide import evolve_assisted, snapshot
from streams.decide.evolve import evolve
from streams.decide.state import ChatState
from tests.support import assisted, plain_provider, webhooks
from tests.support.inbox import TOPICS, Inbox
from tests.support.plain_provider import plain_provider as plain_provider_fixture

__all__ = ["plain_provider_fixture"]

USERS = ("4915100000001", "4915100000002")
POLICIES = {
    "a second of quiet": assisted.policy(quiet=1),
    "no quiet time, silence": assisted.policy(quiet=0, assistant={"fallback_text": None}),
    "short of patience": assisted.policy(
        quiet=5, assistant={"media_wait": timedelta(seconds=3), "retries": ()}
    ),
}
USAGE = Usage(model="m", seconds=0.1, tokens_in=1, tokens_out=1)
DONE = (MediaStored, MediaTranscribed, MediaTextExtracted, MediaDescribed)
FILES = (MessageKind.VOICE, MessageKind.DOCUMENT, MessageKind.IMAGE)

who = st.integers(0, 1)
writes = st.tuples(
    st.just("writes"), who, st.sampled_from(["hello", "again", "/HISTORY", "/CLOSE", *FILES])
)
humans = st.tuples(st.just("humans"), who, st.none())
repeats = st.tuples(st.just("repeats"), st.integers(0, 60), st.none())
decides = st.tuples(st.just("decides"), st.integers(1, 5), st.booleans())
agents = st.tuples(
    st.just("agents"), st.integers(0, 3), st.sampled_from(["well", "well", "later", "never"])
)
late = st.tuples(st.just("late"), st.integers(0, 60), st.sampled_from(["well", "later"]))
wishes = st.tuples(
    st.just("wishes"),
    who,
    st.sampled_from(["resume", "resume", "retry", "retry", "close", "auto", "pause"]),
)
waits = st.tuples(st.just("waits"), st.sampled_from([0.5, 2, 6, 40, 8000, 90_000]), who)
seldom = (repeats, decides, decides, late, wishes, wishes, wishes, humans)
often = [writes] * 12 + [agents] * 12 + [waits] * 4
steps = st.lists(  # `one_of` would take each only once
    st.sampled_from([*often, *seldom]).flatmap(lambda step: step), min_size=5, max_size=50
)
policies = st.sampled_from(sorted(POLICIES))
pytestmark = pytest.mark.usefixtures("plain_provider_fixture")


def chat_of(user: str) -> str:
    return identity.chat_id(tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=user)


@dataclass
class World:
    """An inbox, who writes to it, the agents, and the clock of it all."""

    inbox: Inbox
    now: datetime = webhooks.T0
    count: int = 0
    acted: set[str] = field(default_factory=set)

    def writes(self, person: int, what: str) -> None:
        if isinstance(what, MessageKind):
            media = Media(reference=f"file.{self.count}")
            self._arrives(person, Content(kind=what, media=media))
        else:
            self._arrives(person, Content(kind=MessageKind.TEXT, text=what))

    def humans(self, person: int, _: None) -> None:
        content = Content(kind=MessageKind.TEXT, text=f"I am here {self.count}")
        self._arrives(person, content, from_human=True)

    def repeats(self, which: int, _: None) -> None:
        if self.inbox.log:
            self.inbox.log.append(self.inbox.log[which % len(self.inbox.log)])

    def decides(self, count: int, crash: bool) -> None:
        self.inbox.decide(count, crash=crash)

    def agents(self, which: int, how: str) -> None:
        """An agent ends one of the orders that nobody has ended."""
        self.inbox.drain()
        open_still = [one for one in self.inbox.orders if one.id not in self.acted]
        if open_still:
            self.act(open_still[which % len(open_still)], how)

    def late(self, which: int, how: str) -> None:
        """An agent ends any order, perhaps once more, and in another way."""
        if orders := self.inbox.orders:
            self.act(orders[which % len(orders)], how)

    def wishes(self, person: int, which: str) -> None:
        self.count += 1
        files = [o.data for o in self.inbox.orders if isinstance(o.data, ProcessMedia)]
        wish = {
            "pause": PauseChat(by="ada"),
            "resume": ResumeChat(by="ada"),
            "auto": AutoResume(by="cron"),
            "close": CloseConversation(by="ada"),
            "retry": RetryJob(job_id=files[-1].job_id if files else "none", by="ada"),
        }[which]
        self._append(chat_of(USERS[person]), wish, f"wish-{self.count}")

    def waits(self, seconds: float, _: int) -> None:
        self.now += timedelta(seconds=seconds)
        self.fires()

    def fires(self) -> None:
        for user in USERS:
            for timer in Timer:
                chat, due = chat_of(user), self.now.isoformat()
                its_id = identity.timer_id(chat=chat, timer=timer, due=due)
                self._append(chat, TimerFired(timer=timer, due=self.now), its_id)

    def act(self, order: Recorded, how: str) -> None:
        data = order.data
        self.acted.add(order.id)
        if isinstance(data, SendMessage):
            its_id = identity.report_id(reply_id=data.reply_id, attempt=data.attempt)
            self._append(order.chat_id, self._sent(data), its_id)
        else:
            its_id = identity.job_report_id(job=data.job_id, attempt=data.attempt)
            self._append(order.chat_id, self._ended(data, how), its_id)

    def finish(self) -> None:
        """Everything is decided, every agent acts, every timer fires, until nothing is open."""
        acted = 0
        for _ in range(100):
            self.inbox.drain()
            orders = self.inbox.orders
            if len(orders) == acted and not any(map(is_busy, self.states.values())):
                return
            for order in orders:
                self.act(order, "well")
            acted = len(orders)
            self.now += timedelta(seconds=50)
            self.fires()
        raise AssertionError("the chats never come to rest")

    @property
    def states(self) -> dict[str, ChatState]:
        return {chat: snapshot.decode(raw) for chat, raw in self.inbox.states.items()}

    def _arrives(self, person: int, content: Content, **more: object) -> None:
        self.count += 1
        user, name = USERS[person], f"wamid.{self.count}"
        message = Message(
            platform_message_id=name,
            platform_timestamp=None,
            person=Person(platform_user_id=user),
            content=content,
            **more,
        )
        item = plain_provider.item(message, account=webhooks.PHONE_ID, user=user)
        self._append(chat_of(user), item, f"item-{name}")

    def _sent(self, order: SendMessage) -> SendReported:
        return SendReported(
            reply_id=order.reply_id,
            attempt=order.attempt,
            outcome=SendOutcome.SENT,
            platform_message_id=f"out.{order.reply_id}",
            started_at=self.now,
            finished_at=self.now,
        )

    def _ended(self, order: assisted.JobOrder, how: str) -> JobReported:
        told: dict[str, object] = {"text": f"by {order.job_id}", "usage": USAGE}
        if isinstance(order, ProcessMedia) and order.kind is JobKind.STORE:
            told = {"stored": assisted.stored(assisted.MIMES[order.message_kind])}
        if how != "well":
            told = {"error_code": "service_down", "retryable": how == "later", "usage": USAGE}
        moments = {"started_at": self.now, "finished_at": self.now}
        return JobReported(job_id=order.job_id, attempt=order.attempt, **moments, **told)

    def _append(self, chat: str, data: object, its_id: str) -> None:
        self.inbox.append(
            Recorded(
                id=its_id,
                time=self.now,
                source="/test",
                tenant=webhooks.TENANT,
                chat_id=chat,
                causation_id=its_id,
                correlation_id=its_id,
                data=data,
            )
        )


def is_busy(state: ChatState) -> bool:
    awaited = state.assisted.awaited if state.assisted else ()
    return bool(awaited or (state.jobs and state.jobs.open) or state.outbox)


def play(story, chosen: str) -> World:
    world = World(Inbox(policy=POLICIES[chosen]))
    for step, first, second in story:
        getattr(world, step)(first, second)
    world.finish()
    assert world.inbox.dead_letters == []
    return world


def chats(world: World) -> Iterator[list[Recorded[Fact]]]:
    found = defaultdict(list)
    for fact in world.inbox.facts:
        found[fact.chat_id].append(fact)
    yield from found.values()


def law(examples: int = 150):
    """A property of any story under any of the policies."""

    def wrapped(test):
        return settings(max_examples=examples, deadline=None)(given(steps, policies)(test))

    return wrapped


@law()
def test_every_awaited_message_is_answered_or_discarded_once(story, chosen):
    for chat in chats(play(story, chosen)):
        facts = [fact.data for fact in chat]
        awaited = Counter(f.platform_message_id for f in facts if isinstance(f, AnswerAwaited))
        ends = [f for f in facts if isinstance(f, AnswerGiven | AnswerDiscarded)]
        ended = Counter(name for fact in ends for name in fact.answers)
        assert set(awaited.values()) <= {1}
        assert ended == awaited


@law()
def test_what_is_to_be_answered_is_awaited_and_nothing_else_is(story, chosen):
    facts = [fact.data for fact in play(story, chosen).inbox.facts]
    received = {
        f.platform_message_id
        for f in facts
        if isinstance(f, MessageReceived) and f.action is ActionTaken.AWAITING
    }
    assert received == {f.platform_message_id for f in facts if isinstance(f, AnswerAwaited)}


@law()
def test_one_answer_is_sought_at_a_time_and_each_is_one_reply(story, chosen):
    for chat in chats(play(story, chosen)):
        sought: str | None = None
        replies = []
        for fact in (one.data for one in chat):
            if isinstance(fact, AnswerRequested):
                assert sought is None
                sought = fact.job_id
            if isinstance(fact, AnswerGiven | AnswerDiscarded) and fact.job_id is not None:
                assert fact.job_id == sought
                sought = None
            if isinstance(fact, AnswerGiven):
                replies.append(fact.reply_id)
        said = [
            fact.data.reply_id
            for fact in chat
            if isinstance(fact.data, ReplyGenerated) and fact.data.handler == "assistant"
        ]
        assert replies == said
        assert len(set(said)) == len(said)


@law()
def test_nothing_is_answered_or_asked_while_the_bot_is_silent(story, chosen):
    for chat in chats(play(story, chosen)):
        is_paused = False
        for fact in (one.data for one in chat):
            if isinstance(fact, BotPaused | BotResumed):
                is_paused = isinstance(fact, BotPaused)
            is_model = isinstance(fact, AnswerAwaited | AnswerRequested | AnswerGiven)
            assert not (is_paused and is_model)


@law()
def test_nothing_is_answered_after_the_end_of_the_conversation_it_was_said_in(story, chosen):
    for chat in chats(play(story, chosen)):
        opened: str | None = None
        said: dict[str, str] = {}
        for fact in (one.data for one in chat):
            if isinstance(fact, ConversationOpened):
                opened = fact.conversation_id
            if isinstance(fact, ConversationClosing):
                opened = None
            if isinstance(fact, MessageReceived):
                said[fact.platform_message_id] = fact.conversation_id
            if isinstance(fact, AnswerGiven):
                assert {said[name] for name in fact.answers} == {opened}


@law()
def test_the_model_is_asked_when_it_is_quiet_and_the_files_are_read_or_waited_for(story, chosen):
    for chat in chats(play(story, chosen)):
        awaited: dict[str, AnswerAwaited] = {}
        reading: dict[str, str] = {}
        for one in chat:
            fact = one.data
            if isinstance(fact, AnswerAwaited):
                awaited[fact.message_id] = fact
            if isinstance(fact, MediaJobRequested):
                reading[fact.job_id] = fact.message_id
            if isinstance(fact, (*DONE, JobAbandoned)):
                reading.pop(fact.job_id, None)
            if isinstance(fact, AnswerRequested):
                asked = [awaited[message_id] for message_id in fact.answers]
                assert one.time >= asked[-1].ask_at
                unread = [told for told in asked if told.message_id in reading.values()]
                assert all(one.time >= told.wait_until for told in unread)


@law()
def test_no_message_is_put_to_the_model_twice_or_before_its_turn(story, chosen):
    world = play(story, chosen)
    facts = [fact.data for fact in world.inbox.facts]
    turns = [fact for fact in facts if isinstance(fact, AnswerRequested)]
    turn_of = {message_id: turn for turn, one in enumerate(turns) for message_id in one.answers}
    place = {one.job_id: turn for turn, one in enumerate(turns)}
    assert sum(len(one.answers) for one in turns) == len(turn_of)
    for order in (one.data for one in world.inbox.orders):
        if isinstance(order, GenerateAnswer):
            turn = place[order.job_id]
            said = {one.message_id for one in order.conversation}
            assert set(order.unanswered) == said & set(turns[turn].answers)
            assert all(turn_of.get(message_id, turn) <= turn for message_id in said)


@law()
def test_every_job_ends_once_for_each_time_it_was_begun(story, chosen):
    facts = [fact.data for fact in play(story, chosen).inbox.facts]
    begun = Counter(f.job_id for f in facts if isinstance(f, MediaJobRequested | SummaryRequested))
    again = (f for f in facts if isinstance(f, JobRetryRequested))
    ends = (*DONE, ConversationSummarised, JobAbandoned)
    ended = Counter(f.job_id for f in facts if isinstance(f, ends) and f.job_id in begun)
    given_up = {f.job_id for f in facts if isinstance(f, JobAbandoned)}
    done = {f.job_id for f in facts if isinstance(f, (*DONE, ConversationSummarised))}
    assert set(ended) == set(begun)
    assert all(f.job_id in begun for f in again)
    assert {job for job, times in ended.items() if times > 1} <= given_up
    assert done <= set(begun)


@law()
def test_each_attempt_is_ordered_once_and_paid_for_once(story, chosen):
    world = play(story, chosen)
    orders = [o.data for o in world.inbox.orders if not isinstance(o.data, SendMessage)]
    attempts = [(order.job_id, order.attempt) for order in orders]
    assert len(set(attempts)) == len(attempts)
    facts = [fact.data for fact in world.inbox.facts]
    paid = [(f.job_id, f.attempt) for f in facts if isinstance(f, ModelCalled)]
    assert len(set(paid)) == len(paid)
    assert set(paid) <= set(attempts)
    numbers = defaultdict(list)
    for job_id, attempt in attempts:
        numbers[job_id].append(attempt)
    assert all(one == list(range(1, len(one) + 1)) for one in numbers.values())


@law()
def test_numbers_have_no_gap_and_the_state_is_the_fold_of_the_facts(story, chosen):
    world = play(story, chosen)
    states = world.states
    for chat in chats(world):
        assert [fact.sequence for fact in chat] == list(range(1, len(chat) + 1))
        state = ChatState(chat[0].chat_id, webhooks.TENANT)
        for fact in chat:
            state = evolve(state, fact.data, fact.time)
        assert state == states[chat[0].chat_id]


@law()
def test_what_is_remembered_is_bounded(story, chosen):
    world = play([*story, *[("writes", 0, "x" * 3000)] * 12], chosen)
    for state in world.states.values():
        said = state.assisted.said if state.assisted else ()
        assert len(said) <= evolve_assisted.UTTERANCES
        assert sum(len(one.text or "") for one in said) <= evolve_assisted.ALL_TOGETHER
        moments = [one.at for one in said]
        assert all(first <= second for first, second in pairwise(moments))


@given(steps, policies, st.integers(1, 7))
@settings(max_examples=100, deadline=None)
def test_crashes_and_the_cut_into_batches_leave_no_trace(story, chosen, size):
    played = play(story, chosen).inbox
    again = Inbox(policy=POLICIES[chosen])
    again.log = list(played.log)
    again.drain(size)
    for topic in (TOPICS.events, TOPICS.work_reply, TOPICS.work_media, TOPICS.work_delivery):
        assert again.written(topic) == played.written(topic)
    assert again.states == played.states
