"""Everything that can have happened in a chat. Never edit a published fact: add a `.v2`."""

from typing import ClassVar

from schemas.content import ActionTaken, CloseReason, Content, Json, Origin, Platform, Status
from schemas.value import Moment, Value
from schemas.work import Question


class ChatStarted(Value, frozen=True, kw_only=True):
    """Somebody was heard of for the first time."""

    type: ClassVar[str] = "ChatStarted.v1"
    platform: Platform
    platform_user_id: str
    provider: str
    account: str
    is_group: bool


class ProfileChanged(Value, frozen=True, kw_only=True):
    """What is known of the person is now this, as a whole."""

    type: ClassVar[str] = "ProfileChanged.v1"
    phone_e164: str | None
    username: str | None
    first_name: str | None
    last_name: str | None


class ConversationOpened(Value, frozen=True, kw_only=True):
    """The chat's `number`-th conversation began."""

    type: ClassVar[str] = "ConversationOpened.v1"
    conversation_id: str
    number: int


class MessageReceived(Value, frozen=True, kw_only=True):
    """A person wrote: the user, or somebody on the business's own phone (`human`).

    `number` counts all messages of the conversation, `user_number` those of the user.
    """

    type: ClassVar[str] = "MessageReceived.v1"
    message_id: str
    conversation_id: str
    number: int
    user_number: int
    origin: Origin
    platform_message_id: str
    platform_timestamp: Moment | None
    content: Content
    reply_to: str | None
    speaker: str | None
    action: ActionTaken


class MessageEdited(Value, frozen=True, kw_only=True):
    """A message has new content."""

    type: ClassVar[str] = "MessageEdited.v1"
    message_id: str
    platform_message_id: str
    source_id: str
    content: Content
    action: ActionTaken


class MessageDeleted(Value, frozen=True, kw_only=True):
    """A message was taken back by who wrote it."""

    type: ClassVar[str] = "MessageDeleted.v1"
    message_id: str
    platform_message_id: str
    source_id: str
    action: ActionTaken


class NoticeRecorded(Value, frozen=True, kw_only=True):
    """The platform told something that is not a message: a call, a change of an account."""

    type: ClassVar[str] = "NoticeRecorded.v1"
    source_id: str
    notice: str
    detail: Json
    action: ActionTaken


class InputUnrecognised(Value, frozen=True, kw_only=True):
    """An authentic item has a shape that nobody foresaw; it is kept in `inbox`."""

    type: ClassVar[str] = "InputUnrecognised.v1"
    source_id: str
    provider: str
    reason: str
    action: ActionTaken


class HandlerFailed(Value, frozen=True, kw_only=True):
    """A handler raised; the message is recorded and not answered."""

    type: ClassVar[str] = "HandlerFailed.v1"
    handler: str
    error: str
    in_reply_to: str


class QuestionAsked(Value, frozen=True, kw_only=True):
    """A handler needs an answer before it can reply through `account` at `provider`."""

    type: ClassVar[str] = "QuestionAsked.v1"
    question_id: str
    question: Question
    handler: str
    provider: str
    account: str
    in_reply_to: str


class QuestionAnswered(Value, frozen=True, kw_only=True):
    """The answer has come, or why there is none."""

    type: ClassVar[str] = "QuestionAnswered.v1"
    question_id: str
    error: str | None


class ReplyGenerated(Value, frozen=True, kw_only=True):
    """A reply exists; it is in the log before anybody is called.

    It leaves through `account` at `provider`. `in_reply_to` is a platform message id;
    `received_at` is when the input that caused it reached us.
    """

    type: ClassVar[str] = "ReplyGenerated.v1"
    reply_id: str
    conversation_id: str
    number: int
    origin: Origin
    handler: str
    provider: str
    account: str
    content: Content
    in_reply_to: str | None
    received_at: Moment


class MessageSent(Value, frozen=True, kw_only=True):
    """The provider has accepted a reply."""

    type: ClassVar[str] = "MessageSent.v1"
    reply_id: str
    attempt: int
    platform_message_id: str | None
    http_status: int | None
    started_at: Moment
    finished_at: Moment


class MessageSendFailed(Value, frozen=True, kw_only=True):
    """The provider has refused a reply."""

    type: ClassVar[str] = "MessageSendFailed.v1"
    reply_id: str
    attempt: int
    http_status: int | None
    error_code: str
    error_message: str | None
    retryable: bool
    started_at: Moment
    finished_at: Moment


class MessageSendUnconfirmed(Value, frozen=True, kw_only=True):
    """Nobody knows whether a reply was sent (`saved_only`); it is not sent again blindly."""

    type: ClassVar[str] = "MessageSendUnconfirmed.v1"
    reply_id: str
    attempt: int
    error_code: str
    error_message: str | None
    started_at: Moment
    finished_at: Moment


class MessageStatusReported(Value, frozen=True, kw_only=True):
    """The provider told how a sent message fares; statuses come in any order."""

    type: ClassVar[str] = "MessageStatusReported.v1"
    message_id: str
    platform_message_id: str
    attempt: int
    status: Status
    reported_at: Moment | None
    error_code: str | None
    error_message: str | None
    action: ActionTaken


class ModeEntered(Value, frozen=True, kw_only=True):
    """A special mode is on until `until`."""

    type: ClassVar[str] = "ModeEntered.v1"
    mode: str
    until: Moment


class ModeLeft(Value, frozen=True, kw_only=True):
    """The special mode is off; `expired` if its time had passed."""

    type: ClassVar[str] = "ModeLeft.v1"
    mode: str
    expired: bool


class ConversationClosing(Value, frozen=True, kw_only=True):
    """The conversation takes no more messages; replies on their way still leave."""

    type: ClassVar[str] = "ConversationClosing.v1"
    conversation_id: str
    reason: CloseReason


class ConversationClosed(Value, frozen=True, kw_only=True):
    """The conversation is over."""

    type: ClassVar[str] = "ConversationClosed.v1"
    conversation_id: str
    reason: CloseReason
    message_count: int


Fact = (
    ChatStarted
    | ProfileChanged
    | ConversationOpened
    | MessageReceived
    | MessageEdited
    | MessageDeleted
    | NoticeRecorded
    | InputUnrecognised
    | HandlerFailed
    | QuestionAsked
    | QuestionAnswered
    | ReplyGenerated
    | MessageSent
    | MessageSendFailed
    | MessageSendUnconfirmed
    | MessageStatusReported
    | ModeEntered
    | ModeLeft
    | ConversationClosing
    | ConversationClosed
)
