"""What a chat waits for until an order is carried out, told in a header of the order.

So an agent that cannot read the order can still tell the chat that it will not be done.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, Final

from schemas import codec, envelope
from schemas.envelope import Recorded
from schemas.value import Value
from schemas.work import AnswerQuestion, Order, SendMessage

HEADER: Final = "ce_awaited"

_UNREADABLE: Final = (KeyError, ValueError, TypeError, AttributeError, codec.Undecodable)


class Kind(StrEnum):
    """What an order is to bring about."""

    REPLY = "reply"
    JOB = "job"
    QUESTION = "question"


class Awaited(Value, frozen=True, kw_only=True):
    """One attempt to send a reply, to do a job or to answer a question, by its id."""

    type: ClassVar[str] = "Awaited"
    kind: Kind
    id: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}/{self.attempt}"


def of(order: Order) -> Awaited:
    """What the chat waits for that has given the order."""
    if isinstance(order, SendMessage):
        return Awaited(kind=Kind.REPLY, id=order.reply_id, attempt=order.attempt)
    if isinstance(order, AnswerQuestion):
        return Awaited(kind=Kind.QUESTION, id=order.question_id, attempt=1)
    return Awaited(kind=Kind.JOB, id=order.job_id, attempt=order.attempt)


def read(headers: Iterable[tuple[str, bytes]]) -> Recorded[Awaited] | None:
    """What the headers of an order tell of it, its value unread; None if they do not."""
    named = dict(headers)
    try:
        awaited = _awaited(named[HEADER].decode())
        told = {**named, "ce_type": Awaited.type.encode()}
        return envelope.decode(
            {Awaited.type: Awaited}, value=codec.dumps(awaited), headers=told.items()
        )
    except _UNREADABLE:
        return None


def _awaited(text: str) -> Awaited:
    kind, own_id, attempt = text.split("/")
    return Awaited(kind=Kind(kind), id=own_id, attempt=int(attempt))
