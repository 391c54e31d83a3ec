"""Everything that can have happened in a chat. Never edit a published fact: add a `.v2`."""

from typing import ClassVar

from schemas.content import (
    ActionTaken,
    CloseReason,
    Content,
    DiscardReason,
    Evidence,
    JobKind,
    Json,
    Media,
    MessageKind,
    Origin,
    PauseReason,
    Platform,
    Prompt,
    Status,
    StoredMedia,
    Usage,
)
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


class AliasLearned(Value, frozen=True, kw_only=True):
    """The provider has named the chat by one more id."""

    type: ClassVar[str] = "AliasLearned.v1"
    platform_user_id: str


class ChatMoved(Value, frozen=True, kw_only=True):
    """The chat's person (or group) is reached by another id from now on."""

    type: ClassVar[str] = "ChatMoved.v1"
    platform_user_id: str


class ChatMerged(Value, frozen=True, kw_only=True):
    """The older chat `into` is with the same person, and goes on for both.

    The rest tells by which id this chat was known, for one that nobody had written to.
    """

    type: ClassVar[str] = "ChatMerged.v1"
    into: str
    platform: Platform
    platform_user_id: str
    provider: str
    account: str
    is_group: bool


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


class MessageImported(Value, frozen=True, kw_only=True):
    """A message of before our time was brought in; it is the `number`-th of its kind.

    Imported messages have a conversation of their own, which never was open.
    """

    type: ClassVar[str] = "MessageImported.v1"
    message_id: str
    conversation_id: str
    number: int
    origin: Origin
    platform_message_id: str
    platform_timestamp: Moment | None
    content: Content
    reply_to: str | None
    speaker: str | None
    action: ActionTaken


class EchoHeld(Value, frozen=True, kw_only=True):
    """The business wrote, and a send of ours is under way: whose it is shows when that ends.

    `is_own` marks what was sent through the API.
    """

    type: ClassVar[str] = "EchoHeld.v1"
    platform_message_id: str
    platform_timestamp: Moment | None
    content: Content
    reply_to: str | None
    speaker: str | None
    is_own: bool
    action: ActionTaken


class EchoRecognised(Value, frozen=True, kw_only=True):
    """What came back as the business's own message is this attempt of ours."""

    type: ClassVar[str] = "EchoRecognised.v1"
    platform_message_id: str
    reply_id: str
    attempt: int
    action: ActionTaken


class MessageSendConfirmed(Value, frozen=True, kw_only=True):
    """A reply whose send nobody saw end was sent; `by` is what told."""

    type: ClassVar[str] = "MessageSendConfirmed.v1"
    reply_id: str
    attempt: int
    platform_message_id: str
    by: Evidence


class ConfirmationTimedOut(Value, frozen=True, kw_only=True):
    """Nothing has told in time whether a reply was sent; later replies go on."""

    type: ClassVar[str] = "ConfirmationTimedOut.v1"
    reply_id: str
    attempt: int


class MessageSendWithheld(Value, frozen=True, kw_only=True):
    """A reply was not attempted, because it was certain to be refused."""

    type: ClassVar[str] = "MessageSendWithheld.v1"
    reply_id: str
    attempt: int
    error_code: str


class TemplateChosen(Value, frozen=True, kw_only=True):
    """The platform takes no free words any more: a reply leaves as an approved template.

    `with_words`: the reply's words are the template's one parameter.
    """

    type: ClassVar[str] = "TemplateChosen.v1"
    reply_id: str
    attempt: int
    template: str
    language: str
    with_words: bool


class RetryScheduled(Value, frozen=True, kw_only=True):
    """After `attempt` failed, the reply is tried again at `due`.

    `holds_later`: the chat's later replies wait behind it.
    """

    type: ClassVar[str] = "RetryScheduled.v1"
    reply_id: str
    attempt: int
    due: Moment
    holds_later: bool


class LaterRepliesReleased(Value, frozen=True, kw_only=True):
    """The chat's later replies no longer wait behind this one; it leaves out of order."""

    type: ClassVar[str] = "LaterRepliesReleased.v1"
    reply_id: str
    attempt: int


class RetryStarted(Value, frozen=True, kw_only=True):
    """The time has come: a reply is sent again, as `attempt`."""

    type: ClassVar[str] = "RetryStarted.v1"
    reply_id: str
    attempt: int


class RetryRequested(Value, frozen=True, kw_only=True):
    """An operator has a reply sent again, as `attempt`."""

    type: ClassVar[str] = "RetryRequested.v1"
    reply_id: str
    attempt: int
    by: str


class FallbackChosen(Value, frozen=True, kw_only=True):
    """A reply that failed for good is sent another way, as `attempt`.

    It is the tenant's `number`-th fallback (from 1), and leaves through `account` at
    `provider` to the address `to`.
    """

    type: ClassVar[str] = "FallbackChosen.v1"
    reply_id: str
    attempt: int
    number: int
    platform: Platform
    provider: str
    account: str
    to: str


class DeliveryAbandoned(Value, frozen=True, kw_only=True):
    """A reply is not tried again by itself; it waits for an operator."""

    type: ClassVar[str] = "DeliveryAbandoned.v1"
    reply_id: str
    attempt: int
    error_code: str


class SendRequested(Value, frozen=True, kw_only=True):
    """An operator wrote the reply that follows."""

    type: ClassVar[str] = "SendRequested.v1"
    reply_id: str
    by: str


class CloseRequested(Value, frozen=True, kw_only=True):
    """An operator wants the open conversation closed."""

    type: ClassVar[str] = "CloseRequested.v1"
    by: str


class CommandRefused(Value, frozen=True, kw_only=True):
    """An operator wanted what cannot be done; `command` is the input's name."""

    type: ClassVar[str] = "CommandRefused.v1"
    command: str
    by: str
    reason: str


class BotPaused(Value, frozen=True, kw_only=True):
    """The bot answers no more in this chat; `by` is the operator, if one wanted it."""

    type: ClassVar[str] = "BotPaused.v1"
    reason: PauseReason
    by: str | None


class BotResumed(Value, frozen=True, kw_only=True):
    """The bot answers again; `is_automatic` if no human was active for long enough."""

    type: ClassVar[str] = "BotResumed.v1"
    by: str | None
    is_automatic: bool


class MediaJobRequested(Value, frozen=True, kw_only=True):
    """A message's file is to be stored, or what was stored of it to be read: a job of `kind`.

    `account` at `provider` gives the file; `stored` is set for every kind but `store`.
    """

    type: ClassVar[str] = "MediaJobRequested.v1"
    job_id: str
    kind: JobKind
    message_id: str
    message_kind: MessageKind
    provider: str
    account: str
    media: Media
    stored: StoredMedia | None


class MediaStored(Value, frozen=True, kw_only=True):
    """A message's file is in the object storage."""

    type: ClassVar[str] = "MediaStored.v1"
    job_id: str
    attempt: int
    message_id: str
    stored: StoredMedia


class MediaTranscribed(Value, frozen=True, kw_only=True):
    """What is said in a message's file; "" where nothing is."""

    type: ClassVar[str] = "MediaTranscribed.v1"
    job_id: str
    attempt: int
    message_id: str
    text: str
    language: str | None


class MediaTextExtracted(Value, frozen=True, kw_only=True):
    """What is written in a message's document; a model looked at `pages_seen` of its `pages`."""

    type: ClassVar[str] = "MediaTextExtracted.v1"
    job_id: str
    attempt: int
    message_id: str
    text: str
    pages: int | None
    pages_seen: int | None


class MediaDescribed(Value, frozen=True, kw_only=True):
    """What is to be seen in a message's picture."""

    type: ClassVar[str] = "MediaDescribed.v1"
    job_id: str
    attempt: int
    message_id: str
    text: str


class ModelCalled(Value, frozen=True, kw_only=True):
    """An attempt at a job has asked models, whatever became of it."""

    type: ClassVar[str] = "ModelCalled.v1"
    job_id: str
    attempt: int
    kind: JobKind
    usage: Usage


class JobFailed(Value, frozen=True, kw_only=True):
    """An attempt at a job came to nothing."""

    type: ClassVar[str] = "JobFailed.v1"
    job_id: str
    attempt: int
    error_code: str
    error_message: str | None
    retryable: bool
    started_at: Moment
    finished_at: Moment


class JobRetryScheduled(Value, frozen=True, kw_only=True):
    """After `attempt` failed, the job is tried again at `due`."""

    type: ClassVar[str] = "JobRetryScheduled.v1"
    job_id: str
    attempt: int
    due: Moment


class JobRetryStarted(Value, frozen=True, kw_only=True):
    """The time has come: a job is tried again, as `attempt`."""

    type: ClassVar[str] = "JobRetryStarted.v1"
    job_id: str
    attempt: int


class JobRetryRequested(Value, frozen=True, kw_only=True):
    """An operator has a job tried again, as `attempt`."""

    type: ClassVar[str] = "JobRetryRequested.v1"
    job_id: str
    attempt: int
    by: str


class JobAbandoned(Value, frozen=True, kw_only=True):
    """A job is not tried again by itself; the chat goes on without what it was for."""

    type: ClassVar[str] = "JobAbandoned.v1"
    job_id: str
    attempt: int
    error_code: str


class AssistantJoined(Value, frozen=True, kw_only=True):
    """A model answers in this conversation from now on; what is said is remembered for it."""

    type: ClassVar[str] = "AssistantJoined.v1"
    conversation_id: str


class AnswerAwaited(Value, frozen=True, kw_only=True):
    """The model is to answer a message, together with those that come until `ask_at`.

    What is in the message's file is waited for until `wait_until`, if it has one. The answer
    leaves through `account` at `provider`.
    """

    type: ClassVar[str] = "AnswerAwaited.v1"
    message_id: str
    platform_message_id: str
    provider: str
    account: str
    ask_at: Moment
    wait_until: Moment


class AnswerRequested(Value, frozen=True, kw_only=True):
    """The model is asked, once for all messages in `answers` (message ids)."""

    type: ClassVar[str] = "AnswerRequested.v1"
    job_id: str
    conversation_id: str
    answers: tuple[str, ...]
    provider: str
    account: str
    in_reply_to: str


class AnswerGiven(Value, frozen=True, kw_only=True):
    """The model has answered the messages in `answers` (platform message ids), as `reply_id`.

    What is too long for one reply goes on in those that were recorded behind it.

    It follows that reply's `ReplyGenerated`. `usage` is None where the tenant's fallback text
    stands for an answer.
    """

    type: ClassVar[str] = "AnswerGiven.v1"
    job_id: str
    reply_id: str
    answers: tuple[str, ...]
    usage: Usage | None
    action: ActionTaken


class AnswerDiscarded(Value, frozen=True, kw_only=True):
    """The messages in `answers` (platform message ids) get no answer from the model.

    `job_id` is the job that seeks it, None if the model was not asked yet.
    """

    type: ClassVar[str] = "AnswerDiscarded.v1"
    job_id: str | None
    answers: tuple[str, ...]
    reason: DiscardReason
    action: ActionTaken


class SummaryRequested(Value, frozen=True, kw_only=True):
    """The model is asked what a conversation, which closes now, was about."""

    type: ClassVar[str] = "SummaryRequested.v1"
    job_id: str
    conversation_id: str


class ConversationSummarised(Value, frozen=True, kw_only=True):
    """What a closed conversation was about, in short.

    It `is_latest` unless a later conversation was summed up before: models take their time.
    """

    type: ClassVar[str] = "ConversationSummarised.v2"
    job_id: str
    conversation_id: str
    text: str
    is_latest: bool


class PromptAsked(Value, frozen=True, kw_only=True):
    """A handler asks the tenant's model before it replies through `account` at `provider`."""

    type: ClassVar[str] = "PromptAsked.v1"
    job_id: str
    prompt: Prompt
    handler: str
    provider: str
    account: str
    in_reply_to: str


class PromptAnswered(Value, frozen=True, kw_only=True):
    """The model has answered a handler, or why it has not."""

    type: ClassVar[str] = "PromptAnswered.v1"
    job_id: str
    error: str | None


Fact = (
    ChatStarted
    | ProfileChanged
    | AliasLearned
    | ChatMoved
    | ChatMerged
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
    | MessageImported
    | EchoHeld
    | EchoRecognised
    | MessageSendConfirmed
    | ConfirmationTimedOut
    | MessageSendWithheld
    | RetryScheduled
    | LaterRepliesReleased
    | RetryStarted
    | RetryRequested
    | FallbackChosen
    | DeliveryAbandoned
    | SendRequested
    | CloseRequested
    | CommandRefused
    | BotPaused
    | BotResumed
    | MediaJobRequested
    | MediaStored
    | MediaTranscribed
    | MediaTextExtracted
    | MediaDescribed
    | ModelCalled
    | JobFailed
    | JobRetryScheduled
    | JobRetryStarted
    | JobRetryRequested
    | JobAbandoned
    | AssistantJoined
    | AnswerAwaited
    | AnswerRequested
    | AnswerGiven
    | AnswerDiscarded
    | SummaryRequested
    | ConversationSummarised
    | PromptAsked
    | PromptAnswered
    | TemplateChosen
)
