"""Whether our content can be sent at all, told before anything is asked of a provider."""

from collections.abc import Callable
from typing import Final

from providers.reading import items, mapping, number, text
from schemas.content import Content, Json, MessageKind

FILES: Final = frozenset(
    {
        MessageKind.IMAGE,
        MessageKind.AUDIO,
        MessageKind.VOICE,
        MessageKind.VIDEO,
        MessageKind.DOCUMENT,
        MessageKind.STICKER,
    }
)


def objection(
    content: Content, *, text_limit: int, caption_limit: int, length: Callable[[str], int] = len
) -> str | None:
    """Why `content` cannot be sent, in words for an operator; None if it can."""
    told = mapping(content.structured)
    match content.kind:
        case MessageKind.TEXT:
            return _of_words(content.text, text_limit, length)
        case MessageKind.LOCATION:
            return None if _has_coordinates(told) else "the location has no coordinates"
        case MessageKind.CONTACT:
            return None if _has_names(told) else "a contact has no name"
        case MessageKind.REACTION:
            return None if text(told.get("target")) else "the reaction has no target"
        case kind if kind in FILES and content.media is None:
            return "there is no file"
        case kind if kind in FILES:
            return _of_words(content.caption, caption_limit, length) if content.caption else None
        case kind:
            return f"a message of kind {kind} cannot be sent"


def _of_words(words: str | None, limit: int, length: Callable[[str], int]) -> str | None:
    if not words or not words.strip():
        return "the text is empty"
    count = length(words)
    return f"the text is {count} long; at most {limit} is taken" if count > limit else None


def _has_coordinates(told: Json) -> bool:
    return None not in {number(told.get("latitude")), number(told.get("longitude"))}


def _has_names(told: Json) -> bool:
    cards = items(told.get("contacts"))
    return bool(cards) and all(text(mapping(card).get("name")) for card in cards)
