"""What a message can hold, and the closed sets that tables and labels are made of."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from schemas.value import Moment, Value

if TYPE_CHECKING:
    Json = dict[str, object]
else:
    Json = dict[str, Any]  # how msgspec says: any JSON value


class Platform(StrEnum):
    """Where a person is; several providers can lead to one platform."""

    WHATSAPP = "whatsapp"
    INSTAGRAM = "instagram"
    TELEGRAM = "telegram"
    SMS = "sms"
    EMAIL = "email"
    WEB_PUSH = "web_push"


class MessageKind(StrEnum):
    """What a message is."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VOICE = "voice"
    VIDEO = "video"
    DOCUMENT = "document"
    STICKER = "sticker"
    CONTACT = "contact"
    LOCATION = "location"
    INTERACTIVE = "interactive"
    REACTION = "reaction"
    ORDER = "order"
    SYSTEM = "system"
    UNSUPPORTED = "unsupported"


class Origin(StrEnum):
    """Who wrote a message.

    `human` is a person on the business's own phone, `operator` a person or a program that
    sends for the business, through us or beside us.
    """

    USER = "user"
    BOT = "bot"
    HUMAN = "human"
    OPERATOR = "operator"
    SYSTEM = "system"


class Status(StrEnum):
    """What a provider reports about a message that was sent."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    DELETED = "deleted"


class SendOutcome(StrEnum):
    """How a send attempt ended; `saved_only`: not attempted, or nobody knows."""

    SENT = "sent"
    FAILED = "failed"
    SAVED_ONLY = "saved_only"


class ActionTaken(StrEnum):
    """What was done with an input."""

    REPLIED = "replied"
    AI_REPLIED = "ai_replied"
    COMMAND = "command"
    PAUSED = "paused"
    IGNORED_PAUSED = "ignored_paused"
    STATUS = "status"
    RECORDED = "recorded"
    UNRECOGNISED = "unrecognised"
    HANDLER_FAILED = "handler_failed"
    HELD = "held"
    OWN_ECHO = "own_echo"
    IMPORTED = "imported"
    AWAITING = "awaiting"


class CloseReason(StrEnum):
    """Why a conversation was closed."""

    COMMAND = "command"
    OPERATOR = "operator"
    IDLE = "idle"
    MERGED = "merged"


class PauseReason(StrEnum):
    """Why the bot is silent in a chat."""

    HUMAN_TAKEOVER = "human_takeover"
    MANUAL_PAUSE = "manual_pause"


class Evidence(StrEnum):
    """What told that a message was sent whose send nobody saw end."""

    STATUS = "status"
    ECHO = "echo"


class JobKind(StrEnum):
    """What an agent does for a chat beside sending: to a file, or by asking a model."""

    STORE = "store"
    TRANSCRIBE = "transcribe"
    EXTRACT = "extract"
    DESCRIBE = "describe"
    ANSWER = "answer"
    SUMMARISE = "summarise"
    ASK = "ask"


class DiscardReason(StrEnum):
    """Why an answer that was sought is not given."""

    PAUSED = "paused"
    CLOSED = "closed"
    FAILED = "failed"
    DELETED = "deleted"


class Media(Value, frozen=True, kw_only=True):
    """A file by the provider's reference; never its bytes.

    The reference is a signed URL only where the provider gives nothing else to fetch the file by.
    """

    reference: str
    mime: str | None = None
    sha256: str | None = None
    size: int | None = None
    file_name: str | None = None


class StoredMedia(Value, frozen=True, kw_only=True):
    """A file as we keep it: its place in the object storage, and what its bytes are.

    `mime` is what the content shows, whatever was said of it. `thumbnail_key` is the place of a
    small picture of it, where there is one.
    """

    key: str
    sha256: str
    mime: str
    size: int
    thumbnail_key: str | None = None


class Usage(Value, frozen=True, kw_only=True):
    """What a job asked of models: tokens, and millionths of a US dollar where prices are known.

    Several calls are summed up; `reused` means that an earlier result served and nothing was paid.
    """

    model: str
    seconds: float
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_micros: int | None = None
    reused: bool = False


class Utterance(Value, frozen=True, kw_only=True):
    """What somebody said, as a model is told of it; texts are cut to what is remembered.

    `transcript`, `extracted` and `description` are what was found in the message's file.
    """

    message_id: str
    origin: Origin
    kind: MessageKind
    at: Moment
    text: str | None = None
    speaker: str | None = None
    file_name: str | None = None
    transcript: str | None = None
    extracted: str | None = None
    description: str | None = None


class Prompt(Value, frozen=True, kw_only=True):
    """What a handler asks the tenant's model; None leaves a setting to the tenant's own."""

    instruction: str
    text: str
    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None


class Content(Value, frozen=True, kw_only=True):
    """The content of a message.

    `text` is the body, or what a structured kind says in words. `structured` is kept for
    contact, location, interactive, reaction, order and system; `caption` belongs to `media`.
    """

    kind: MessageKind
    text: str | None = None
    structured: Json | None = None
    media: Media | None = None
    caption: str | None = None


class Person(Value, frozen=True, kw_only=True):
    """A person as the platform names them."""

    platform_user_id: str
    phone_e164: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
