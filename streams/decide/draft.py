"""A decision in the making: each recorded fact changes the state that the next step sees."""

from copy import copy
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from schemas import identity
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.inputs import Input
from schemas.value import Value
from schemas.work import Order
from streams.decide.evolve import advance
from streams.decide.policy import Policy
from streams.decide.state import ChatState

SOURCE: Final = "/chatfold/decider"


class Decision(Value, frozen=True):
    """What an input led to at `now`: facts in order, work orders, and the state after them.

    `told` are inputs for other chats. If `is_passed_on`, the input itself is among them and was
    not decided here: the chat that decides it remembers its id.
    """

    now: datetime
    facts: tuple[Fact, ...]
    orders: tuple[Order, ...]
    state: ChatState
    told: tuple[Recorded[Input], ...] = ()
    is_passed_on: bool = False


class Draft:
    """Collects facts and orders; `now` never runs behind the chat's last fact.

    `before` stays as it was; `state` is a copy of its own, which each fact changes.
    """

    __slots__ = (
        "before",
        "cause",
        "facts",
        "is_passed_on",
        "jobs",
        "now",
        "orders",
        "policy",
        "replies",
        "state",
        "told",
    )

    def __init__(self, state: ChatState, cause: Recorded[Input], policy: Policy) -> None:
        self.before = state
        self.state = state
        self.cause = cause
        self.policy = policy
        self.now: datetime = max(cause.time, state.time or cause.time)
        self.facts: list[Fact] = []
        self.orders: list[Order] = []
        self.told: list[Recorded[Input]] = []
        self.is_passed_on = False
        self.replies = 0
        self.jobs = 0

    def record(self, fact: Fact) -> None:
        """`fact` has happened."""
        if not self.facts:
            self.state = copy(self.before)
        advance(self.state, fact, self.now)
        self.facts.append(fact)

    def order(self, order: Order) -> None:
        """Have an agent do something."""
        self.orders.append(order)

    def tell(self, chat_id: str, data: Input) -> None:
        """Give another chat an input of its own."""
        cause = self.cause
        link_id = identity.link_id(cause.id, sender=cause.chat_id, receiver=chat_id)
        self.told.append(
            replace(
                cause,
                id=link_id,
                time=self.now,
                source=SOURCE,
                chat_id=chat_id,
                causation_id=cause.id,
                data=data,
            )
        )

    def pass_on(self, chat_id: str) -> None:
        """Leave the input to another chat; its id stays, by which a redelivery is known."""
        self.told.append(replace(self.cause, chat_id=chat_id))
        self.is_passed_on = True

    def copy(self, chat_id: str) -> None:
        """Have another chat decide the input too."""
        copy_id = identity.copy_id(self.cause.id, receiver=chat_id)
        self.told.append(replace(self.cause, id=copy_id, chat_id=chat_id))

    def next_id(self) -> str:
        """The id of the next reply or question that this input causes."""
        self.replies += 1
        return identity.reply_id(self.cause.id, self.replies - 1)

    def next_job_id(self) -> str:
        """The id of the next job that this input causes."""
        self.jobs += 1
        return identity.job_id(self.cause.id, self.jobs - 1)

    def decision(self) -> Decision:
        """What was drafted."""
        return Decision(
            self.now,
            tuple(self.facts),
            tuple(self.orders),
            self.state,
            tuple(self.told),
            self.is_passed_on,
        )
