"""Work orders: what the decider asks the agents to do."""

from enum import StrEnum
from typing import ClassVar

from schemas.content import Content
from schemas.value import Moment, Value


class Question(StrEnum):
    """What a handler can ask before it answers."""

    VIEW_STATS = "view_stats"


class SendMessage(Value, frozen=True, kw_only=True):
    """Send a reply. `received_at` is when the input that caused it reached the gateway."""

    type: ClassVar[str] = "SendMessage.v1"
    reply_id: str
    attempt: int
    provider: str
    account: str
    to: str
    content: Content
    reply_to: str | None
    received_at: Moment


class AnswerQuestion(Value, frozen=True, kw_only=True):
    """Find the answer to a handler's question."""

    type: ClassVar[str] = "AnswerQuestion.v1"
    question_id: str
    question: Question


Order = SendMessage | AnswerQuestion
