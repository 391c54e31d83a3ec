"""An active chat as it is shown: who, the conversation, its latest messages, the mode."""

from datetime import datetime

from schemas.content import MessageKind, Origin, PauseReason, Platform
from schemas.value import Value


class Person(Value, frozen=True, kw_only=True):
    """Who is at the other end, as far as it is known."""

    platform: Platform | None = None
    platform_user_id: str | None = None
    provider: str | None = None
    account: str | None = None
    is_group: bool = False
    phone_e164: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class Line(Value, frozen=True, kw_only=True):
    """A message, its texts shortened; `status` is that of what we sent.

    `media_text` is what was found in its file: what is said, written or to be seen there.
    """

    message_id: str
    number: int
    origin: Origin
    kind: MessageKind
    text: str | None
    time: datetime
    media_text: str | None = None
    attempt: int = 0
    status: str | None = None
    is_edited: bool = False
    is_deleted: bool = False


class Conversation(Value, frozen=True, kw_only=True):
    """The latest conversation; `number` and `started_at` are known if its beginning is."""

    conversation_id: str
    number: int | None = None
    status: str = "open"
    started_at: datetime | None = None
    message_count: int = 0
    summary: str | None = None


class Mode(Value, frozen=True, kw_only=True):
    """A special mode that is on."""

    name: str
    until: datetime


class Pause(Value, frozen=True, kw_only=True):
    """The bot is silent, `by` an operator or because a human has taken over."""

    reason: PauseReason
    since: datetime
    by: str | None = None


class ActiveChat(Value, frozen=True, kw_only=True):
    """A chat as it stands after its fact number `seq`; `recent` is in the order of the log.

    One that was merged into another is not shown any more: the other one is.
    """

    tenant: str
    chat_id: str
    seq: int
    last_activity: datetime
    person: Person = Person()
    conversation: Conversation | None = None
    recent: tuple[Line, ...] = ()
    mode: Mode | None = None
    pause: Pause | None = None
    merged_into: str | None = None
