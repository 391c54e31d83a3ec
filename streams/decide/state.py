"""What the decider remembers of a chat: only what a decision needs."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from schemas.content import (
    CloseReason,
    Content,
    Evidence,
    JobKind,
    Media,
    MessageKind,
    Origin,
    PauseReason,
    Platform,
    Prompt,
    Status,
    StoredMedia,
    Utterance,
)
from schemas.work import Question
from streams.decide.kept import Kept

LINES: Final = 5
LINE_LENGTH: Final = 80
SENT: Final = 20
RECENT: Final = 3
HELD: Final = 20
ECHOES: Final = 10
EARLY: Final = 10
ALIASES: Final = 20
GIVEN_UP: Final = 20
DROPPED: Final = 5


class Address(Kept, frozen=True):
    """Where the chat's person is, and by which account they were last heard."""

    platform: Platform
    platform_user_id: str
    provider: str
    account: str
    is_group: bool


class Profile(Kept, frozen=True):
    """What is known of the person."""

    phone_e164: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class Line(Kept, frozen=True):
    """The start of a message, for `/HISTORY`."""

    origin: Origin
    kind: MessageKind
    text: str


class Conversation(Kept, frozen=True):
    """The conversation that is not closed; `closing` holds why it takes no more messages."""

    conversation_id: str
    number: int
    active_at: datetime
    message_count: int = 0
    user_count: int = 0
    closing: CloseReason | None = None
    lines: tuple[Line, ...] = ()


class Mode(Kept, frozen=True):
    """A special mode and when it ends by itself."""

    name: str
    until: datetime


class Told(Kept, frozen=True):
    """What was told of an attempt before its own report came.

    `error_code` if it failed; what `has_arrived` cannot fail any more.
    """

    platform_message_id: str
    by: Evidence
    error_code: str | None = None
    has_arrived: bool = False


class Pending(Kept, frozen=True):
    """A reply that has not left.

    `to` is its address if that is not the chat's own; `fallbacks` is how many other ways were
    taken. `failures` and `failing_since` tell of the attempts since it was last started by
    hand or another way. One that the provider took without a name `is_nameless`.
    """

    reply_id: str
    attempt: int
    conversation_id: str
    provider: str
    account: str
    content: Content
    reply_to: str | None
    received_at: datetime
    to: str | None = None
    fallbacks: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    told: Told | None = None
    is_nameless: bool = False


class Wait(StrEnum):
    """What a held reply waits for."""

    RETRY = "retry"
    CONFIRMATION = "confirmation"
    OPERATOR = "operator"


class Held(Kept, frozen=True):
    """A reply that is not on its way, since `since`; with `holds`, later ones wait behind it."""

    reply: Pending
    wait: Wait
    since: datetime
    due: datetime | None = None
    holds: bool = False


class HeldEcho(Kept, frozen=True):
    """What the business wrote while it was unknown whether it was we; it came at `at`."""

    at: datetime
    platform_message_id: str
    platform_timestamp: datetime | None
    content: Content
    reply_to: str | None
    speaker: str | None
    is_own: bool


class EarlyStatus(Kept, frozen=True):
    """What was told of a message that we may have sent and do not know by this name yet."""

    platform_message_id: str
    status: Status
    reported_at: datetime | None
    error_code: str | None
    error_message: str | None


class Pause(Kept, frozen=True):
    """The bot is silent; `human_at` is when a human was last active, the pausing included."""

    reason: PauseReason
    human_at: datetime


class Sent(Kept, frozen=True):
    """A reply that has left, by the name the platform gave it."""

    platform_message_id: str
    reply_id: str
    attempt: int


class OpenQuestion(Kept, frozen=True):
    """A question whose answer a handler waits for."""

    question_id: str
    question: Question
    handler: str
    provider: str
    account: str
    in_reply_to: str


class FileWork(Kept, frozen=True, tag="file"):
    """A message's file is fetched and stored, or what was `stored` of it is read."""

    message_id: str
    message_kind: MessageKind
    provider: str
    account: str
    media: Media
    stored: StoredMedia | None = None


class Awaited(Kept, frozen=True):
    """A message, recorded `at`, that the model is to answer; its file is waited for until then."""

    message_id: str
    platform_message_id: str
    provider: str
    account: str
    at: datetime
    wait_until: datetime


class AnswerWork(Kept, frozen=True, tag="answer"):
    """The model is asked to answer the messages in `answers`."""

    answers: tuple[Awaited, ...]


class SummaryWork(Kept, frozen=True, tag="summary"):
    """The model sums up the chat's `number`-th conversation, in which this was `said`."""

    conversation_id: str
    number: int
    said: tuple[Utterance, ...]
    summary: str | None = None


class PromptWork(Kept, frozen=True, tag="prompt"):
    """A handler waits for what the model says."""

    prompt: Prompt
    handler: str
    provider: str
    account: str
    in_reply_to: str


Work = FileWork | AnswerWork | SummaryWork | PromptWork


class Job(Kept, frozen=True):
    """A job that has not ended; its `attempt` is with an agent, or made again when it is `due`.

    `failures` are those since it was last started by hand.
    """

    job_id: str
    kind: JobKind
    work: Work
    attempt: int = 1
    failures: int = 0
    due: datetime | None = None


class Dropped(Kept, frozen=True):
    """A job that nobody waits for any more, and whose attempt was with an agent."""

    job_id: str
    kind: JobKind
    attempt: int


class Jobs(Kept, frozen=True):
    """The jobs of a chat: those that have not ended, files given up, and what was dropped."""

    open: tuple[Job, ...] = ()
    given_up: tuple[Job, ...] = ()
    dropped: tuple[Dropped, ...] = ()


class Assisted(Kept, frozen=True):
    """What the model has to know: what was `said` in the conversation it has joined.

    `awaited` are the messages that it is not asked about yet, and is at `ask_at`. `summary`
    tells of the chat's conversations up to the one of the number `summarised`.
    """

    conversation_id: str | None = None
    said: tuple[Utterance, ...] = ()
    awaited: tuple[Awaited, ...] = ()
    ask_at: datetime | None = None
    summary: str | None = None
    summarised: int = 0


class ChatState(Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """The fold of a chat's facts; `evolve` returns a new one and changes none.

    The outbox's first reply is with the delivery agent, unless a held one holds it. `recent`
    are replies that have left and may still be told to have failed. `heard_at` is when the
    person last wrote. `jobs` and `assisted` are None where there is nothing to remember.
    """

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
    heard_at: datetime | None = None
    imported: int = 0
    pause: Pause | None = None
    held: tuple[Held, ...] = ()
    recent: tuple[Pending, ...] = ()
    echoes: tuple[HeldEcho, ...] = ()
    early: tuple[EarlyStatus, ...] = ()
    started_at: datetime | None = None
    aliases: tuple[str, ...] = ()
    moved_to: str | None = None
    moved_at: datetime | None = None
    merged_into: str | None = None
    jobs: Jobs | None = None
    assisted: Assisted | None = None

    @property
    def reached_at(self) -> str | None:
        """The platform's name of whom replies go to."""
        return self.moved_to or (self.address.platform_user_id if self.address else None)


def in_flight(state: ChatState) -> Pending | None:
    """The reply that is with the delivery agent: the outbox's first, if nothing holds it.

    What is sent again is not held: it waited before.
    """
    if not state.outbox:
        return None
    head = state.outbox[0]
    if state.held and head.attempt == 1 and any(one.holds for one in state.held):
        return None
    return head


def is_name_awaited(state: ChatState) -> bool:
    """Whether a name that we do not know may be that of a message of ours."""
    return bool(
        state.outbox
        or any(one.wait is Wait.CONFIRMATION for one in state.held)
        or any(one.is_nameless for one in state.recent)
    )


def unconfirmed(state: ChatState) -> tuple[Held, ...]:
    """The replies of which nobody knows yet whether they were sent."""
    return tuple(one for one in state.held if one.wait is Wait.CONFIRMATION)
