"""What the decider remembers of a chat: only what a decision needs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.content import CloseReason, Content, MessageKind, Origin, Platform
from schemas.work import Question

LINES: Final = 5
LINE_LENGTH: Final = 80
SENT: Final = 20


@dataclass(frozen=True, slots=True)
class Address:
    """Where the chat's person is, and by which account they were last heard."""

    platform: Platform
    platform_user_id: str
    provider: str
    account: str
    is_group: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of the person."""

    phone_e164: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """The start of a message, for `/HISTORY`."""

    origin: Origin
    kind: MessageKind
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """The conversation that is not closed; `closing` holds why it takes no more messages."""

    conversation_id: str
    number: int
    active_at: datetime
    message_count: int = 0
    user_count: int = 0
    closing: CloseReason | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Mode:
    """A special mode and when it ends by itself."""

    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A reply that has not left; the first of the outbox is with the delivery agent."""

    reply_id: str
    attempt: int
    conversation_id: str
    provider: str
    account: str
    content: Content
    reply_to: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply that has left, by the name the platform gave it."""

    platform_message_id: str
    reply_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question whose answer a handler waits for."""

    question_id: str
    question: Question
    handler: str
    provider: str
    account: str
    in_reply_to: str


@dataclass(slots=True)
class ChatState:
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

    def copy(self) -> "ChatState":
        """A second state that holds the same."""
        return ChatState(
            self.chat_id,
            self.tenant,
            self.sequence,
            self.time,
            self.address,
            self.profile,
            self.conversations,
            self.conversation,
            self.mode,
            self.outbox,
            self.sent,
            self.questions,
        )
