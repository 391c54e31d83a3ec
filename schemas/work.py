"""Work orders: what the decider asks the agents to do."""

from enum import StrEnum
from typing import ClassVar

from schemas.content import (
    Content,
    JobKind,
    Media,
    MessageKind,
    Prompt,
    StoredMedia,
    Utterance,
)
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


class ProcessMedia(Value, frozen=True, kw_only=True):
    """Do `kind` to a message's file: fetch and store it, or find out what is in it.

    `stored` is the file as it was stored before, for every kind but `store`.
    """

    type: ClassVar[str] = "ProcessMedia.v1"
    job_id: str
    attempt: int
    kind: JobKind
    message_id: str
    message_kind: MessageKind
    provider: str
    account: str
    media: Media
    stored: StoredMedia | None = None


class GenerateAnswer(Value, frozen=True, kw_only=True):
    """Have the tenant's model answer what was said last.

    `conversation` is in the order of the log; `unanswered` are the message ids in it to which the
    answer is due. `summary` tells of the conversations before, `name` who the person is.
    """

    type: ClassVar[str] = "GenerateAnswer.v1"
    job_id: str
    attempt: int
    conversation: tuple[Utterance, ...]
    unanswered: tuple[str, ...]
    summary: str | None = None
    name: str | None = None


class SummariseConversation(Value, frozen=True, kw_only=True):
    """Have the tenant's model say in short what a closed conversation was about."""

    type: ClassVar[str] = "SummariseConversation.v1"
    job_id: str
    attempt: int
    conversation_id: str
    conversation: tuple[Utterance, ...]
    summary: str | None = None


class AskModel(Value, frozen=True, kw_only=True):
    """Put a handler's own question to the tenant's model."""

    type: ClassVar[str] = "AskModel.v1"
    job_id: str
    attempt: int
    prompt: Prompt


ModelOrder = GenerateAnswer | SummariseConversation | AskModel
Order = SendMessage | AnswerQuestion | ProcessMedia | ModelOrder
