"""Laws of the model's answers where a person has several ids, and chats join each other."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import identity
from schemas.envelope import Recorded
from schemas.facts import (
    AnswerAwaited,
    AnswerDiscarded,
    AnswerGiven,
    ConversationClosed,
    ConversationOpened,
    MessageReceived,
)
from schemas.inputs import JobReported, Timer, TimerFired
from schemas.work import GenerateAnswer, SendMessage, SummariseConversation
from tests.property import test_linking
from tests.property.test_linking import USERS, chat_of, partitions
from tests.support import assisted, webhooks
from tests.support.partitions import Partitions

steps = st.lists(
    st.one_of(
        test_linking.writes,
        test_linking.renames,
        test_linking.repeats,
        test_linking.decides,
        test_linking.sends,
        test_linking.waits,
    ),
    min_size=5,
    max_size=50,
)
quiet_times = st.sampled_from([0.0, 90.0])


@dataclass
class World(test_linking.World):
    """The partitions of a tenant whose model answers."""

    def act(self, order: Recorded) -> None:
        if isinstance(order.data, SendMessage):
            super().act(order)
            return
        assert isinstance(order.data, GenerateAnswer | SummariseConversation)
        job = order.data.job_id
        ended = JobReported(
            job_id=job, attempt=1, text="words", started_at=self.now, finished_at=self.now
        )
        self._append(order.chat_id, ended, identity.job_report_id(job=job, attempt=1))

    def waits(self, minutes: int, _: None) -> None:
        super().waits(minutes, _)
        for chat in map(chat_of, USERS):
            due = self.now.isoformat()
            its_id = identity.timer_id(chat=chat, timer=Timer.ANSWER, due=due)
            self._append(chat, TimerFired(timer=Timer.ANSWER, due=self.now), its_id)

    def finish(self) -> None:
        for _ in range(5):  # a first answer, one to what came meanwhile, and what chats tell
            super().finish()
            self.waits(20, None)
        super().finish()

    def _append(self, chat: str, data: JobReported | TimerFired, its_id: str) -> None:
        self.inboxes.append(
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


def play(story, count: int, quiet: float) -> World:
    world = World(Partitions(count))
    for inbox in world.inboxes.inboxes:
        inbox.policy = assisted.policy(quiet=quiet)
    for step, first, second in story:
        getattr(world, step)(first, second)
    world.finish()
    assert world.inboxes.dead_letters == []
    return world


@given(steps, partitions, quiet_times)
@settings(max_examples=150, deadline=None)
def test_each_message_is_answered_once_whichever_chat_it_is_in(story, count, quiet):
    world = play(story, count, quiet)
    facts = [fact.data for fact in world.inboxes.facts]
    written = Counter(wamid for wamids in world.written.values() for wamid in wamids)
    received = Counter(f.platform_message_id for f in facts if isinstance(f, MessageReceived))
    awaited = Counter(f.platform_message_id for f in facts if isinstance(f, AnswerAwaited))
    ends = [f for f in facts if isinstance(f, AnswerGiven | AnswerDiscarded)]
    assert written == received == awaited
    assert Counter(name for fact in ends for name in fact.answers) == written
    assert all(isinstance(fact, AnswerGiven) for fact in ends)


@given(steps, partitions, quiet_times)
@settings(max_examples=100, deadline=None)
def test_a_chat_that_has_joined_another_comes_to_its_end(story, count, quiet):
    world = play([*story, ("waits", 1, None)], count, quiet)
    merged = {chat for chat, state in world.inboxes.states.items() if state.merged_into}
    opened: Counter[str] = Counter()
    for fact in world.inboxes.facts:
        if fact.chat_id in merged:
            opened[fact.chat_id] += isinstance(fact.data, ConversationOpened)
            opened[fact.chat_id] -= isinstance(fact.data, ConversationClosed)
    assert not any(opened.values())
    states = [state for chat, state in world.inboxes.states.items() if chat in merged]
    assert all(state.jobs is None and not state.outbox for state in states)
