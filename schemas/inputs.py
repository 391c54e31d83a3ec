"""What arrives in `inbox`: webhook items, results of agents, timers, operators' commands."""

from enum import StrEnum
from typing import ClassVar

from schemas.content import Content, Json, Platform, SendOutcome, StoredMedia, Usage
from schemas.value import Moment, Value


class ItemKind(StrEnum):
    """What a webhook item is about; `system` is recorded and never answered."""

    MESSAGE = "message"
    STATUS = "status"
    ECHO = "echo"
    EDIT = "edit"
    DELETE = "delete"
    REACTION = "reaction"
    SYSTEM = "system"
    UNRECOGNISED = "unrecognised"


class Timer(StrEnum):
    """What a chat can be waiting for."""

    IDLE_CLOSE = "idle_close"
    MODE_EXPIRY = "mode_expiry"
    RETRY = "retry"
    CONFIRMATION = "confirmation"
    AUTO_RESUME = "auto_resume"
    JOB = "job"
    ANSWER = "answer"


class WebhookReceived(Value, frozen=True, kw_only=True):
    """One item of an authentic webhook, as the provider wrote it."""

    type: ClassVar[str] = "WebhookReceived.v1"
    provider: str
    account: str
    platform: Platform
    kind: ItemKind
    platform_user_id: str
    message_id: str
    fragment: Json


class WebhookUnrouted(Value, frozen=True, kw_only=True):
    """An item for an account that nobody has configured; kept until somebody does."""

    type: ClassVar[str] = "WebhookUnrouted.v1"
    provider: str
    account: str
    platform: Platform
    kind: ItemKind
    platform_user_id: str
    message_id: str
    fragment: Json


class SendReported(Value, frozen=True, kw_only=True):
    """How one attempt to send a reply ended."""

    type: ClassVar[str] = "SendReported.v1"
    reply_id: str
    attempt: int
    outcome: SendOutcome
    started_at: Moment
    finished_at: Moment
    platform_message_id: str | None = None
    http_status: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    retryable: bool = False
    retry_after_seconds: float | None = None


class AnswerReported(Value, frozen=True, kw_only=True):
    """The answer to a question that a handler has asked; `error` says why there is none."""

    type: ClassVar[str] = "AnswerReported.v1"
    question_id: str
    answer: Json
    error: str | None = None


class JobReported(Value, frozen=True, kw_only=True):
    """How one attempt at a job ended: what it found, or `error_code` and the rest of the failure.

    `stored` is what `store` made; `text` what the other kinds found (the transcript, the text of
    the document, the answer), "" if there was nothing to find. `pages` is how many a document
    has, `pages_seen` how many of them a model had to look at. `usage` is paid also in vain.
    """

    type: ClassVar[str] = "JobReported.v1"
    job_id: str
    attempt: int
    started_at: Moment
    finished_at: Moment
    stored: StoredMedia | None = None
    text: str | None = None
    language: str | None = None
    pages: int | None = None
    pages_seen: int | None = None
    usage: Usage | None = None
    error_code: str | None = None
    error_message: str | None = None
    retryable: bool = False
    retry_after_seconds: float | None = None


class TimerFired(Value, frozen=True, kw_only=True):
    """A due time of a chat has passed."""

    type: ClassVar[str] = "TimerFired.v1"
    timer: Timer
    due: Moment


class CloseConversation(Value, frozen=True, kw_only=True):
    """An operator wants the open conversation closed."""

    type: ClassVar[str] = "CloseConversation.v1"
    by: str


class ChatLinked(Value, frozen=True, kw_only=True):
    """Another chat, `chat_id`, turned out to be with the same person.

    The sender is known as `platform_user_id` and began at `started_at`; it knows the receiver as
    `known_as`. `moved_to` is where both are reached from now on, None where nothing has moved.
    """

    type: ClassVar[str] = "ChatLinked.v1"
    chat_id: str
    started_at: Moment
    platform: Platform
    platform_user_id: str
    provider: str
    account: str
    is_group: bool
    known_as: str
    moved_to: str | None = None


class RetryDelivery(Value, frozen=True, kw_only=True):
    """An operator wants a reply that waits tried again now."""

    type: ClassVar[str] = "RetryDelivery.v1"
    reply_id: str
    by: str


class RetryJob(Value, frozen=True, kw_only=True):
    """An operator wants a job that failed for good done again."""

    type: ClassVar[str] = "RetryJob.v1"
    job_id: str
    by: str


class SendByHand(Value, frozen=True, kw_only=True):
    """An operator writes to the person, also while the bot is paused."""

    type: ClassVar[str] = "SendByHand.v1"
    content: Content
    by: str
    reply_to: str | None = None


class PauseChat(Value, frozen=True, kw_only=True):
    """An operator wants the bot silent in this chat."""

    type: ClassVar[str] = "PauseChat.v1"
    by: str


class ResumeChat(Value, frozen=True, kw_only=True):
    """An operator wants the bot to answer again."""

    type: ClassVar[str] = "ResumeChat.v1"
    by: str


class AutoResume(Value, frozen=True, kw_only=True):
    """The bot is to answer again if the pause has lasted long enough."""

    type: ClassVar[str] = "AutoResume.v1"
    by: str


Input = (
    WebhookReceived
    | WebhookUnrouted
    | SendReported
    | AnswerReported
    | TimerFired
    | CloseConversation
    | ChatLinked
    | RetryDelivery
    | SendByHand
    | PauseChat
    | ResumeChat
    | AutoResume
    | JobReported
    | RetryJob
)
