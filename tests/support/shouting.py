"""A handler of a team's own, for tests."""

from collections.abc import Sequence

from streams.decide.handlers import Chat, Effect, Received, text_reply


def shout(chat: Chat, message: Received) -> Sequence[Effect] | None:
    """Answers what ends in `!`, louder; everything else is left to others."""
    text = message.content.text or ""
    return (text_reply(text.upper()),) if text.endswith("!") else None
