"""The built-in commands; each is a handler like any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from schemas.content import Json, MessageKind
from schemas.tenants import Commands
from schemas.work import Question
from streams.decide.handlers import (
    Ask,
    Chat,
    Close,
    Effect,
    EnterMode,
    Handler,
    LeaveMode,
    Received,
    text_reply,
)
from streams.decide.state import Line

MODE: Final = "wappa"


@dataclass(frozen=True, slots=True)
class Command:
    """Answers exactly the word it is called by, written in upper case here and in any by users."""

    word: str

    @property
    def name(self) -> str:
        """The handler's name, whatever the tenant calls the command."""
        return f"command.{type(self).__name__.lower()}"

    def can_handle(self, chat: Chat, message: Received) -> bool:  # noqa: ARG002  # the port's shape
        """Whether the text is this command."""
        return message.command == self.word and message.content.kind is MessageKind.TEXT


@dataclass(frozen=True, slots=True)
class History(Command):
    """How many messages the conversation has, and its last ones."""

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:  # noqa: ARG002  # as above
        """One reply."""
        head = f"{_messages(chat.message_count)} in this conversation."
        return (text_reply("\n".join((head, *map(_line, chat.lines)))),)


@dataclass(frozen=True, slots=True)
class CloseConversation(Command):
    """Closes the conversation and says how many messages are kept."""

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:  # noqa: ARG002  # as above
        """A farewell, then the close."""
        kept = chat.message_count + 1
        return (text_reply(f"Conversation closed. {_messages(kept)} persisted."), Close())


@dataclass(frozen=True, slots=True)
class Stats(Command):
    """Health and counts of the view store, which an agent has to ask for."""

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:  # noqa: ARG002  # as above
        """The question."""
        return (Ask(Question.VIEW_STATS),)

    def answer(self, chat: Chat, answer: Json, error: str | None) -> Sequence[Effect]:  # noqa: ARG002  # as above
        """One reply with the figures, or with the reason why there are none."""
        if error is not None:
            return (text_reply(f"The view store cannot be asked: {error}"),)
        return (text_reply("\n".join(("View store", *(f"{k}: {v}" for k, v in answer.items())))),)


@dataclass(frozen=True, slots=True)
class Enter(Command):
    """Enters the special mode."""

    length: timedelta = timedelta(minutes=30)

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:  # noqa: ARG002  # as above
        """The mode, and a reply that says how long it lasts."""
        minutes = int(self.length.total_seconds() // 60)
        return EnterMode(MODE, self.length), text_reply(f"Special mode on for {minutes} minutes.")


@dataclass(frozen=True, slots=True)
class Leave(Command):
    """Leaves the special mode."""

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:  # noqa: ARG002  # as above
        """The end of the mode, or a word that there was none."""
        if chat.mode is None:
            return (text_reply("The special mode is not on."),)
        return LeaveMode(), text_reply("Special mode off.")


def commands(words: Commands, mode_length: timedelta) -> tuple[Handler, ...]:
    """The commands under the words a tenant has chosen for them."""
    return (
        History(words.history.upper()),
        CloseConversation(words.close.upper()),
        Stats(words.stats.upper()),
        Enter(words.enter.upper(), mode_length),
        Leave(words.leave.upper()),
    )


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _line(line: Line) -> str:
    return f"{line.origin}: {line.text or f'[{line.kind}]'}"
