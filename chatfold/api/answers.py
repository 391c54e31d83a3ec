"""What the API gives, as pydantic writes it and the OpenAPI document tells it."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from chatfold.operations.words import Awaited, Status
from schemas.content import MessageKind, Platform


class Told(BaseModel):
    """What a client is told; later versions may tell more."""

    model_config = ConfigDict(frozen=True)


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
    conversation_summary: str | None
    message_count: int


class ChatMessage(Told):
    """A message of a chat.

    `handler` is who answered, `model` which model wrote it. `media_description` is the name of the
    file; of what was found in it, these are the first 1,000 characters.
    """

    message_id: UUID
    conversation: int
    number: int
    origin: str
    kind: MessageKind
    handler: str | None
    model: str | None
    tokens_in: int | None
    tokens_out: int | None
    text_content: str | None
    media_caption: str | None
    media_description: str | None
    media_mime: str | None
    media_size: int | None
    media_key: str | None
    media_thumbnail_key: str | None
    media_transcript: str | None
    image_description: str | None
    extracted_media_content: str | None
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
    last_conversation_summary: str | None
    created_at: datetime
    conversations: list[Conversation]
    messages: list[ChatMessage]


class Asked(Told):
    """The action is in the log; what became of it shows in the chat, the delivery or the job.

    `reply_id` is the delivery that it is about, `job_id` the job.
    """

    input_id: str
    chat_id: UUID
    reply_id: UUID | None = None
    job_id: UUID | None = None


class Retried(Told):
    """How many deliveries or jobs matched, and were asked for unless it was a dry run.

    `unconfirmed` of the deliveries may have arrived already. Where `next_cursor` is given there
    may be more.
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
