"""The echo responder: says back what came, by kind, and welcomes who is new."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.content import Content, MessageKind
from schemas.tenants import Commands
from streams.decide.handlers import Chat, Effect, Received, text_reply

LONGEST: Final = 1000

_HEADS: Final = MappingProxyType(
    {
        MessageKind.TEXT: "Echo",
        MessageKind.IMAGE: "Image received",
        MessageKind.AUDIO: "Audio received",
        MessageKind.VOICE: "Voice message received",
        MessageKind.VIDEO: "Video received",
        MessageKind.DOCUMENT: "Document received",
        MessageKind.STICKER: "Sticker received",
        MessageKind.CONTACT: "Contact received",
        MessageKind.LOCATION: "Location received",
        MessageKind.INTERACTIVE: "You chose",
        MessageKind.REACTION: "Reaction received",
        MessageKind.ORDER: "Order received",
        MessageKind.SYSTEM: "Notice received",
        MessageKind.UNSUPPORTED: "This kind of message is not supported",
    }
)


@dataclass(frozen=True, slots=True)
class Echo:
    """Answers everything; `words` are the commands it hints at."""

    words: Commands
    name: str = "echo"

    def can_handle(self, chat: Chat, message: Received) -> bool:  # noqa: ARG002  # the port's shape
        """Always."""
        return True

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:
        """One reply."""
        hints = f"{self.words.history} shows the history, {self.words.close} closes."
        lines = (
            *_greeting(chat),
            _said(message.content),
            f"Message #{chat.user_count} in this conversation",
            *_mode(chat),
            hints,
        )
        return (text_reply("\n".join(lines)),)


def _greeting(chat: Chat) -> tuple[str, ...]:
    if not chat.is_new:
        return ()
    name = chat.profile.first_name or chat.profile.username
    return (f"Welcome, {name}!" if name else "Welcome!",)


def _said(content: Content) -> str:
    head = _HEADS[content.kind]
    said = content.text or content.caption or (content.media and content.media.file_name)
    if not said:
        return head
    return f"{head}: {said if len(said) <= LONGEST else said[: LONGEST - 1] + '…'}"


def _mode(chat: Chat) -> tuple[str, ...]:
    return (f"Special mode is on until {chat.mode.until:%H:%M} UTC",) if chat.mode else ()
