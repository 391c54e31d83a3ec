"""Which chats are verified."""

from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One chat, or so many in a hundred."""

    percent: float = 100.0
    chat: str | None = None

    def holds(self, chat: str) -> bool:
        """Whether the chat is in it; always the same ones."""
        if self.chat is not None:
            return chat == self.chat
        return crc32(chat.encode()) % 10_000 < self.percent * 100
