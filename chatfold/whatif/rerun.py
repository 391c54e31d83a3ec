"""Decides recorded inputs again, each chat from the state in which it was before the first."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from chatfold.whatif.turns import Talk
from schemas import identity
from schemas.content import JobKind
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.inputs import Input, JobReported, Timer, TimerFired, WebhookUnrouted
from schemas.work import AskModel, GenerateAnswer, ModelOrder, SummariseConversation
from streams.decide.chat import decide
from streams.decide.draft import SOURCE, Decision
from streams.decide.evolve import evolve
from streams.decide.policy import Policy
from streams.decide.state import ChatState
from streams.decide.timers import next_due

Ask = Callable[[str, ModelOrder], Awaitable[JobReported]]
"""What the model says to an order of a tenant."""

MOST_TIMERS: Final = 200  # at one moment of one chat; it has a handful of things to wait for


@dataclass(slots=True)
class Rerun:
    """Other behaviour over recorded inputs; `told` gathers what is said.

    Results of agents that were recorded count where their ids still match: what is not asked for
    any more the decision ignores. With `ask` models are asked anew instead. Timers fire when the
    chat's own state says so.
    """

    policies: Callable[[str], Policy | None]
    facts: Mapping[str, Sequence[Recorded[Fact]]]
    ask: Ask | None = None
    told: Talk = field(default_factory=Talk)
    decided: int = 0
    unknown: int = 0
    _states: dict[str, ChatState] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _asked: set[str] = field(default_factory=set)

    async def run(
        self, inputs: Sequence[Recorded[Input]], before: Iterable[str], until: datetime
    ) -> None:
        """Decide `inputs`, in the order of the log; `before` are the ids of earlier ones."""
        again = {one.id for one in inputs}
        self._seen = set(before) - again
        for one in inputs:
            await self._take(one, again)
        for chat_id, state in list(self._states.items()):
            policy = self.policies(state.tenant)
            if policy is not None:
                await self._wake(chat_id, policy, until)

    async def _take(self, recorded: Recorded[Input], again: set[str]) -> None:
        policy = self.policies(recorded.tenant)
        if policy is None or isinstance(recorded.data, WebhookUnrouted):
            self.unknown += 1
            return
        if recorded.id in self._seen or self._is_answered(recorded.data):
            return
        if recorded.chat_id not in self._states:
            self._states[recorded.chat_id] = self._begin(recorded, again)
        await self._wake(recorded.chat_id, policy, recorded.time)
        self._seen.add(recorded.id)
        self.decided += 1
        await self._decide(recorded, policy)

    def _is_answered(self, data: Input) -> bool:
        return isinstance(data, JobReported) and data.job_id in self._asked

    def _begin(self, recorded: Recorded[Input], again: set[str]) -> ChatState:
        """The chat before the first fact that one of the inputs led to."""
        state = ChatState(recorded.chat_id, recorded.tenant)
        for fact in self.facts.get(recorded.chat_id, ()):
            if fact.causation_id in again:
                break
            state = evolve(state, fact.data, fact.time)
        return state

    async def _wake(self, chat_id: str, policy: Policy, now: datetime) -> None:
        for _ in range(MOST_TIMERS):
            state = self._states[chat_id]
            due = next_due(state, policy)
            if due is None or due[0] > now:
                return
            fired = _fired(state, due[0], due[1])
            if fired.id in self._seen:
                return
            self._seen.add(fired.id)
            await self._decide(fired, policy)

    async def _decide(self, recorded: Recorded[Input], policy: Policy) -> None:
        state = self._states[recorded.chat_id]
        decision = decide(state, recorded, policy)
        self._states[recorded.chat_id] = decision.state
        self.told.hear(_recorded(recorded, decision))
        if self.ask is None:
            return
        for order in decision.orders:
            if isinstance(order, GenerateAnswer | SummariseConversation | AskModel):
                await self._think(recorded, order, policy)

    async def _think(self, cause: Recorded[Input], order: ModelOrder, policy: Policy) -> None:
        """The model's answer is decided at once: in what is asked nobody waits."""
        assert self.ask is not None  # as the caller knows
        self._asked.add(order.job_id)
        report = await self.ask(cause.tenant, order)
        report_id = identity.job_report_id(job=report.job_id, attempt=report.attempt)
        self._seen.add(report_id)
        if report.error_code is not None and isinstance(order, GenerateAnswer):
            names = _names(self._states[cause.chat_id], order.job_id)
            self.told.fail(cause.chat_id, names, f"{report.error_code}: {report.error_message}")
        await self._decide(replace(cause, id=report_id, data=report), policy)


def by_chat(facts: Iterable[Recorded[Fact]]) -> dict[str, list[Recorded[Fact]]]:
    """The facts of each chat, in its order."""
    found: dict[str, list[Recorded[Fact]]] = defaultdict(list)
    for one in facts:
        found[one.chat_id].append(one)
    return found


def _names(state: ChatState, job_id: str) -> Sequence[str]:
    """The messages that the job is to answer, by the platform's names."""
    for job in state.jobs.open if state.jobs is not None else ():
        if job.job_id == job_id and job.kind is JobKind.ANSWER:
            return [one.platform_message_id for one in getattr(job.work, "answers", ())]
    return ()


def _fired(state: ChatState, due: datetime, timer: Timer) -> Recorded[Input]:
    timer_id = identity.timer_id(chat=state.chat_id, timer=timer, due=due.isoformat())
    return Recorded(
        id=timer_id,
        time=due,
        source=SOURCE,
        tenant=state.tenant,
        chat_id=state.chat_id,
        causation_id=timer_id,
        correlation_id=timer_id,
        data=TimerFired(timer=timer, due=due),
    )


def _recorded(cause: Recorded[Input], decision: Decision) -> Iterable[Recorded[Fact]]:
    first = decision.state.sequence - len(decision.facts) + 1
    for index, fact in enumerate(decision.facts):
        yield Recorded(
            id=identity.fact_id(cause.id, index),
            time=decision.now,
            source=SOURCE,
            tenant=cause.tenant,
            chat_id=cause.chat_id,
            causation_id=cause.id,
            correlation_id=cause.correlation_id,
            data=fact,
            sequence=first + index,
        )
