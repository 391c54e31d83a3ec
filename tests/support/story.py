"""Given facts, when an input, then facts: one chat's story, told to the pure decider."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from providers.failures import MEANINGS, FailureCode
from providers.protocol import Message, StatusReport
from schemas import identity
from schemas.content import Json, SendOutcome, Status
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
from streams.decide.delivery import reference
from streams.decide.draft import Decision
from streams.decide.echo import Echo
from streams.decide.handlers import Handler
from streams.decide.policy import Policy
from streams.decide.state import ChatState
from streams.decide.timers import next_due
from tests.support import plain_provider, webhooks

CHAT = identity.chat_id(tenant=webhooks.TENANT, platform="whatsapp", platform_user_id=webhooks.USER)


def policy(*handlers: Handler, idle: timedelta = timedelta(hours=24), **settings: object) -> Policy:
    words = Commands()
    built_in = commands(words, timedelta(minutes=30))
    return Policy(handlers=(*built_in, *handlers, Echo(words)), idle_close=idle, **settings)


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

    def report(
        self,
        outcome: SendOutcome = SendOutcome.SENT,
        *,
        of: SendMessage | None = None,
        **more: object,
    ) -> Decision:
        order = of or self.sends[-1]
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
        return self.wants(CloseConversation(by="ops"))

    def refuse(self, code: str = "throttled", **more: object) -> Decision:
        retryable = MEANINGS[FailureCode(code)].retryable
        return self.report(
            SendOutcome.FAILED,
            **({"platform_message_id": None, "error_code": code, "retryable": retryable} | more),
        )

    def lose(self, code: str = "timeout") -> Decision:
        return self.report(SendOutcome.SAVED_ONLY, platform_message_id=None, error_code=code)

    def wakes(self) -> Decision:
        """The time of the next timer comes, and it fires."""
        due = next_due(self.state, self.policy)
        assert due is not None
        self.now = max(self.now, due[0])
        return self.fires(due[1])

    def echoes(self, words: str, platform_message_id: str, **more: object) -> Decision:
        echo = plain_provider.echo(words, platform_message_id, user=webhooks.USER, **more)
        return self.hears(echo)

    def status(self, word: Status, platform_message_id: str, of: SendMessage | None = None):
        named = reference(of.reply_id, of.attempt) if of else None
        return self.hears(plain_provider.status(word, platform_message_id, named))

    def hears(self, told: Message | StatusReport) -> Decision:
        self.count += 1
        item = plain_provider.item(told, account=webhooks.PHONE_ID, user=webhooks.USER)
        return self.take(self.told(item, f"item-{self.count}"))

    def wants(self, data: Input) -> Decision:
        self.count += 1
        return self.take(self.told(data, f"operator-{self.count}"))

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


def one(decision: Decision, kind: type[Fact]) -> Fact:
    """The only fact of its kind."""
    (found,) = [fact for fact in decision.facts if isinstance(fact, kind)]
    return found


def kinds(decision: Decision) -> list[str]:
    """The names of the facts, without versions."""
    return [fact.type.partition(".")[0] for fact in decision.facts]
