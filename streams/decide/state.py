"""What the decider remembers of a chat: only what a decision needs."""

from datetime import datetime
from typing import Final

from msgspec import Struct

from schemas.content import CloseReason, Content, MessageKind, Origin, Platform
from schemas.value import Value
from schemas.work import Question

LINES: Final = 5
LINE_LENGTH: Final = 80
SENT: Final = 20


class Address(Value, frozen=True):
    """Where the chat's person is, and by which account they were last heard."""

    platform: Platform
    platform_user_id: str
    provider: str
    account: str
    is_group: bool


class Profile(Value, frozen=True):
    """What is known of the person."""

    phone_e164: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class Line(Value, frozen=True):
    """The start of a message, for `/HISTORY`."""

    origin: Origin
    kind: MessageKind
    text: str


class Conversation(Value, frozen=True):
    """The conversation that is not closed; `closing` holds why it takes no more messages."""

    conversation_id: str
    number: int
    active_at: datetime
    message_count: int = 0
    user_count: int = 0
    closing: CloseReason | None = None
    lines: tuple[Line, ...] = ()


class Mode(Value, frozen=True):
    """A special mode and when it ends by itself."""

    name: str
    until: datetime


class Pending(Value, frozen=True):
    """A reply that has not left; the first of the outbox is with the delivery agent."""

    reply_id: str
    attempt: int
    conversation_id: str
    provider: str
    account: str
    content: Content
    reply_to: str | None
    received_at: datetime


class Sent(Value, frozen=True):
    """A reply that has left, by the name the platform gave it."""

    platform_message_id: str
    reply_id: str
    attempt: int


class OpenQuestion(Value, frozen=True):
    """A question whose answer a handler waits for."""

    question_id: str
    question: Question
    handler: str
    provider: str
    account: str
    in_reply_to: str


class ChatState(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The fold of a chat's facts; `evolve` returns a new one and changes none."""

    chat_id: str
    tenant: str
    sequence: int = 0
    time: datetime | None = None
    address: Address | None = None
    profile: Profile | None = None
    conversations: int = 0
    conversation: Conversation | None = None
    mode: Mode | None = None
    outbox: tuple[Pending, ...] = ()
    sent: tuple[Sent, ...] = ()
    questions: tuple[OpenQuestion, ...] = ()
