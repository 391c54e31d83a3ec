"""What the API takes and gives, as pydantic checks it and the OpenAPI document tells it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from schemas.content import Content, Media, MessageKind, Platform

LONGEST_TEXT = 16_384
MOST_RETRIES = 10_000
MOST_RESUMES = 100_000


class Given(BaseModel):
    """What a client gives; fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*")
    @classmethod
    def _storable(cls, value: object) -> object:
        """U+0000 is in no text that PostgreSQL holds."""
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("must not contain U+0000")
        return value


class Nothing(Given):
    """No parameter, and no field."""


class Told(BaseModel):
    """What a client is told; later versions may tell more."""

    model_config = ConfigDict(frozen=True)


class Awaited(StrEnum):
    """What a delivery waits for before it is tried again."""

    RETRY = "retry"
    OPERATOR = "operator"


class Status(StrEnum):
    """How a delivery stands; `saved_only`: not attempted, or nobody knows whether it arrived."""

    PENDING = "pending"
    SAVED_ONLY = "saved_only"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    DELETED = "deleted"


Tenant = Annotated[str | None, Field(max_length=63, description="id of a tenant")]
Cursor = Annotated[
    str | None, Field(max_length=200, description="`next_cursor` of the page before")
]
Limit = Annotated[int, Field(ge=1, le=500, description="at most so many")]
Word = Annotated[str, Field(min_length=1, max_length=200)]


def _utc(moment: datetime) -> datetime:
    if not 1970 <= moment.year < 9000:
        raise ValueError("must be between 1970 and 9000")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]


class _Filter(Given):
    tenant: Tenant = None
    chat_id: UUID | None = None
    provider: Word | None = None
    account: Word | None = None
    error_code: Word | None = None
    waiting_for: list[Awaited] = Field([], max_length=2, description="only what waits for these")
    since: Moment | None = Field(None, description="created then or later")
    until: Moment | None = Field(None, description="created before then")


class DeliveryQuery(_Filter):
    """Which deliveries to list."""

    status: list[Status] = Field([], max_length=8, description="one of these; all if none is given")
    limit: Limit = 50
    cursor: Cursor = None


class RetryFilter(_Filter):
    """Which deliveries to try again: those that wait, and match all that is given.

    `saved_only` ones may have arrived already, and are only taken where `status` names them.
    """

    status: list[Literal["failed", "saved_only"]] = Field(["failed"], min_length=1, max_length=2)
    limit: int = Field(1_000, ge=1, le=MOST_RETRIES, description="at most so many")
    cursor: Cursor = None
    dry_run: bool = Field(default=False, description="only count")


class ChatQuery(Given):
    """Which chats to list."""

    tenant: Tenant = None
    paused: bool | None = Field(None, description="only chats that are paused, or that are not")
    limit: Limit = 50
    cursor: Cursor = None


class ResumeQuery(Given):
    """How many paused chats to look at."""

    limit: int = Field(10_000, ge=1, le=MOST_RESUMES)


class File(Given):
    """A file by the provider's id of it or by an https address; `name` is what it is called."""

    kind: Literal["image", "audio", "voice", "video", "document", "sticker"]
    reference: str = Field(min_length=1, max_length=2_048)
    mime: Word | None = None
    name: Word | None = None
    caption: str | None = Field(None, max_length=4_096)


class Message(Given):
    """A message to send: either `text` or `file`.

    `reply_to` is the platform's id of the message that it answers.
    """

    text: str | None = Field(None, min_length=1, max_length=LONGEST_TEXT)
    file: File | None = None
    reply_to: Word | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.file is None):
            raise ValueError("give either text or file")
        if self.text is not None and not self.text.strip():
            raise ValueError("text must not be blank")
        return self

    @property
    def content(self) -> Content:
        """The same in the words of the log."""
        if self.file is None:
            return Content(kind=MessageKind.TEXT, text=self.text)
        file = self.file
        media = Media(reference=file.reference, mime=file.mime, file_name=file.name)
        return Content(kind=MessageKind(file.kind), media=media, caption=file.caption)


class Delivery(Told):
    """A reply and how its sending stands.

    `error_code` and what follows are of the last attempt. What is `waiting_for` a `retry` is
    tried again by itself at `next_attempt_at`; what waits for an `operator` is not.
    """

    reply_id: UUID
    tenant_id: str
    chat_id: UUID
    channel: Platform | None
    provider: str | None
    account: str | None
    recipient: str | None
    origin: str
    kind: MessageKind
    preview: str | None
    status: Status
    attempt: int | None
    error_code: str | None
    error_message: str | None
    platform_message_id: str | None
    http_status: int | None
    retryable: bool | None
    waiting_for: Awaited | None
    next_attempt_at: datetime | None
    finished_at: datetime | None
    created_at: datetime


class Attempt(Told):
    """One attempt to send a reply."""

    attempt: int
    channel: str | None
    outcome: str
    platform_message_id: str | None
    http_status: int | None
    error_code: str | None
    error_message: str | None
    retryable: bool
    started_at: datetime
    finished_at: datetime
    waiting_for: Awaited | None
    next_attempt_at: datetime | None


class DeliveryWithAttempts(Delivery):
    """A reply with every attempt to send it."""

    attempts: list[Attempt]


class Deliveries(Told):
    """A page of deliveries, the latest first."""

    deliveries: list[Delivery]
    next_cursor: str | None


class _Chat(Told):
    chat_id: UUID
    tenant_id: str
    platform: Platform
    platform_user_id: str
    phone_e164: str | None
    username: str | None
    first_name: str | None
    last_name: str | None
    is_group: bool
    is_paused: bool
    pause_reason: str | None
    mode: str | None
    mode_until: datetime | None


class Chat(_Chat):
    """A chat, and its open conversation if there is one."""

    last_activity_at: datetime
    conversation_id: UUID | None
    conversation_status: str | None
    message_count: int | None


class Chats(Told):
    """A page of chats, the one with the latest activity first."""

    chats: list[Chat]
    next_cursor: str | None


class Conversation(Told):
    """A conversation of a chat."""

    conversation_id: UUID
    chat_id: UUID
    number: int
    status: str
    started_at: datetime
    last_activity_at: datetime
    closed_at: datetime | None
    close_reason: str | None
    message_count: int


class ChatMessage(Told):
    """A message of a chat."""

    message_id: UUID
    conversation: int
    number: int
    origin: str
    kind: MessageKind
    text_content: str | None
    media_caption: str | None
    media_description: str | None
    platform_message_id: str | None
    delivery_status: Status | None
    delivery_attempt: int | None
    error_code: str | None
    error_message: str | None
    edited_at: datetime | None
    deleted_at: datetime | None
    created_at: datetime


class WholeChat(_Chat):
    """A chat with its last conversations and messages, those of chats merged into it included.

    Replies go to `address` where that is not `platform_user_id` any more.
    """

    address: str | None
    also_known_as: list[str]
    provider: str
    account: str
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    created_at: datetime
    conversations: list[Conversation]
    messages: list[ChatMessage]


class Asked(Told):
    """The action is in the log; what became of it shows in the chat or the delivery.

    `reply_id` is the delivery that it is about.
    """

    input_id: str
    chat_id: UUID
    reply_id: UUID | None = None


class Retried(Told):
    """How many deliveries matched, and were asked for unless it was a dry run.

    `unconfirmed` of them may have arrived already. Where `next_cursor` is given there may be more.
    """

    matched: int
    unconfirmed: int
    dry_run: bool
    next_cursor: str | None


class Resumed(Told):
    """How many paused chats are looked at; each resumes if its pause has lasted long enough."""

    looked_at: int


class FieldError(Told):
    """One wrong field."""

    field: str
    text: str


class ProblemDetails(Told):
    """What went wrong, as RFC 9457 has it; `type` is stable, `detail` is for people."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    asked: int | None = Field(
        None, description="of a bulk request: how many actions are in the log for good"
    )
