"""How a team adds behaviour: a handler looks at a chat and a message and says what follows."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, runtime_checkable

from schemas.content import Content, Json, MessageKind, Prompt
from schemas.value import Value
from schemas.work import Question
from streams.decide.state import Line, Mode, Profile


class Chat(Value, frozen=True, kw_only=True):
    """What a handler may know of a chat; counts include the message at hand."""

    chat_id: str
    tenant: str
    profile: Profile
    is_new: bool
    mode: Mode | None
    message_count: int
    user_count: int
    lines: tuple[Line, ...]


class Received(Value, frozen=True, kw_only=True):
    """The message at hand; `command` is its text as a command is written: stripped, upper case."""

    platform_message_id: str
    content: Content
    command: str
    now: datetime


class Reply(Value, frozen=True):
    """Answer with this; `quote` shows which message is answered."""

    content: Content
    quote: bool = True


class Close(Value, frozen=True):
    """Close the conversation once its replies have left."""


class EnterMode(Value, frozen=True):
    """Enter a special mode that ends by itself after `length`."""

    mode: str
    length: timedelta


class LeaveMode(Value, frozen=True):
    """Leave the special mode."""


class Ask(Value, frozen=True):
    """Find something out first; the answer comes to the handler's `answer`.

    A `Prompt` is put to the tenant's model: its answer is `{"text": …}`.
    """

    question: Question | Prompt


class Converse(Value, frozen=True):
    """Leave the message to the tenant's model, which knows the conversation.

    It is answered together with what is written in the same moment.
    """


CONVERSE: Final = Converse()

Effect = Reply | Close | EnterMode | LeaveMode | Ask | Converse


@runtime_checkable
class Handler(Protocol):
    """Pure: the same chat and message always give the same effects."""

    @property
    def name(self) -> str:
        """The handler's name in facts."""

    def can_handle(self, chat: Chat, message: Received) -> bool:
        """Whether this handler answers; the first that can does."""

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:
        """What follows from the message."""


@runtime_checkable
class AnswerHandler(Handler, Protocol):
    """A handler that asks."""

    def answer(self, chat: Chat, answer: Json, error: str | None) -> Sequence[Effect]:
        """What follows from the answer; `error` says why there is none."""


def text_reply(text: str) -> Reply:
    """A reply of plain text."""
    return Reply(Content(kind=MessageKind.TEXT, text=text))
