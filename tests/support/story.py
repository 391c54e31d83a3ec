"""Given facts, when an input, then facts: one chat's story, told to the pure decider."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas import identity
from schemas.content import Json, SendOutcome
from schemas.envelope import Recorded
from schemas.facts import Fact, ReplyGenerated
from schemas.inputs import (
    AnswerReported,
    CloseConversation,
    Input,
    SendReported,
    Timer,
    TimerFired,
)
from schemas.tenants import Commands
from schemas.work import AnswerQuestion, Order, SendMessage
from streams.decide.chat import decide
from streams.decide.commands import commands
from streams.decide.draft import Decision
from streams.decide.echo import Echo
from streams.decide.handlers import Handler
from streams.decide.policy import Policy
from streams.decide.state import ChatState
from tests.support import webhooks

CHAT = identity.chat_id(tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=webhooks.USER)


def policy(*handlers: Handler, idle: timedelta = timedelta(hours=24)) -> Policy:
    words = Commands()
    built_in = commands(words, timedelta(minutes=30))
    return Policy(handlers=(*built_in, *handlers, Echo(words)), idle_close=idle)


@dataclass
class Story:
    """`says`, `report` … are inputs; each returns what was decided, and it is remembered."""

    policy: Policy = field(default_factory=policy)
    state: ChatState = field(default_factory=lambda: ChatState(CHAT, webhooks.TENANT))
    now: datetime = webhooks.T0
    facts: list[Fact] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    count: int = 0

    def take(self, recorded: Recorded[Input]) -> Decision:
        decision = decide(self.state, recorded, self.policy)
        self.state = decision.state
        self.facts += decision.facts
        self.orders += decision.orders
        return decision

    def says(self, words: str) -> Decision:
        self.count += 1
        message = webhooks.text(words, wamid=f"wamid.{self.count}", at=self.now)
        return self.arrives(webhooks.body(message))

    def arrives(self, body: dict) -> Decision:
        (recorded,) = webhooks.inputs(body, at=self.now)
        return self.take(recorded)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def report(self, outcome: SendOutcome = SendOutcome.SENT, **more: object) -> Decision:
        order = self.sends[-1]
        ended = SendReported(
            reply_id=order.reply_id,
            attempt=order.attempt,
            outcome=outcome,
            started_at=self.now,
            finished_at=self.now,
            **({"platform_message_id": f"wamid.out.{len(self.sends)}"} | more),
        )
        return self.take(
            self.told(ended, identity.report_id(reply_id=order.reply_id, attempt=order.attempt))
        )

    def answer(self, answer: Json, error: str | None = None) -> Decision:
        asked = next(o for o in reversed(self.orders) if isinstance(o, AnswerQuestion))
        told = AnswerReported(question_id=asked.question_id, answer=answer, error=error)
        return self.take(self.told(told, identity.answer_id(asked.question_id)))

    def fires(self, timer: Timer) -> Decision:
        due = identity.timer_id(chat=CHAT, timer=timer, due=self.now.isoformat())
        return self.take(self.told(TimerFired(timer=timer, due=self.now), due))

    def operator_closes(self) -> Decision:
        self.count += 1
        return self.take(self.told(CloseConversation(by="ops"), f"operator-{self.count}"))

    def told(self, data: Input, input_id: str) -> Recorded[Input]:
        return Recorded(
            id=input_id,
            time=self.now,
            source="/test",
            tenant=webhooks.TENANT,
            chat_id=CHAT,
            causation_id=input_id,
            correlation_id=input_id,
            data=data,
        )

    @property
    def sends(self) -> list[SendMessage]:
        return [order for order in self.orders if isinstance(order, SendMessage)]

    @property
    def replies(self) -> list[str]:
        said = (fact.content.text for fact in self.facts if isinstance(fact, ReplyGenerated))
        return [words or "" for words in said]


def kinds(decision: Decision) -> list[str]:
    """The names of the facts, without versions."""
    return [fact.type.partition(".")[0] for fact in decision.facts]
