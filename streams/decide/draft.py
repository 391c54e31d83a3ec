"""A decision in the making: each recorded fact changes the state that the next step sees."""

from dataclasses import dataclass
from datetime import datetime

from schemas import identity
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.inputs import Input
from schemas.work import Order
from streams.decide.evolve import evolve
from streams.decide.policy import Policy
from streams.decide.state import ChatState


@dataclass(frozen=True, slots=True)
class Decision:
    """What an input led to at `now`: facts in order, work orders, and the state after them."""

    now: datetime
    facts: tuple[Fact, ...]
    orders: tuple[Order, ...]
    state: ChatState


class Draft:
    """Collects facts and orders; `now` never runs behind the chat's last fact."""

    __slots__ = ("before", "cause", "facts", "now", "orders", "policy", "replies", "state")

    def __init__(self, state: ChatState, cause: Recorded[Input], policy: Policy) -> None:
        self.before = state
        self.state = state
        self.cause = cause
        self.policy = policy
        self.now: datetime = max(cause.time, state.time or cause.time)
        self.facts: list[Fact] = []
        self.orders: list[Order] = []
        self.replies = 0

    def record(self, fact: Fact) -> None:
        """`fact` has happened."""
        self.state = evolve(self.state, fact, self.now)
        self.facts.append(fact)

    def order(self, order: Order) -> None:
        """Have an agent do something."""
        self.orders.append(order)

    def next_id(self) -> str:
        """The id of the next reply or question that this input causes."""
        self.replies += 1
        return identity.reply_id(self.cause.id, self.replies - 1)

    def decision(self) -> Decision:
        """What was drafted."""
        return Decision(self.now, tuple(self.facts), tuple(self.orders), self.state)
