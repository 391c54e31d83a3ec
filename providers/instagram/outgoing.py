"""Our messages in the words of the Instagram Messaging API."""

from typing import Final

from providers import sendable, wording
from providers.instagram import names
from providers.pieces import TextLimit
from providers.protocol import Outgoing
from providers.reading import mapping, text
from schemas.content import Content, Json, Media, MessageKind

_TEXT_BYTES: Final = 1000
_REFERENCE_LIMIT: Final = 1000
_FILES: Final = {
    MessageKind.IMAGE: "image",
    MessageKind.AUDIO: "audio",
    MessageKind.VOICE: "audio",
    MessageKind.VIDEO: "video",
    MessageKind.DOCUMENT: "file",
}
_SENDABLE: Final = frozenset({MessageKind.TEXT, MessageKind.REACTION, *_FILES})
_HEART: Final = "\N{HEAVY BLACK HEART}"
_LOVE: Final = frozenset({_HEART, f"{_HEART}\N{VARIATION SELECTOR-16}"})


def objection(content: Content) -> str | None:
    """Why Instagram would not take `content`, None if it would."""
    if content.kind not in _SENDABLE:
        return f"a message of kind {content.kind} cannot be sent"
    if content.kind in _FILES and content.media is not None and content.caption:
        return "a file takes no caption; its words are a message of their own"
    if content.kind is MessageKind.REACTION and names.mid_of(_target(content)) is None:
        return "the reaction has no target"
    return sendable.objection(
        content, text_limit=_TEXT_BYTES, caption_limit=0, length=_length_in_bytes
    )


def body_of(message: Outgoing) -> Json:
    """The JSON body that sends a message to which there is no objection."""
    if message.content.kind is MessageKind.REACTION:
        return _reaction(message)
    body: Json = {
        "recipient": {"id": message.to},
        "messaging_type": "RESPONSE",
        "message": {**_node(message.content), "metadata": message.reference[:_REFERENCE_LIMIT]},
    }
    answered = names.mid_of(message.reply_to)
    if answered is not None:
        body["reply_to"] = {"mid": answered}
    return body


def action(word: str, to: str, payload: Json | None = None) -> Json:
    """The JSON body of what is done and not said: read, typing, a reaction."""
    return {"recipient": {"id": to}, "sender_action": word, **wording.present(payload=payload)}


def _reaction(message: Outgoing) -> Json:
    target: Json = {"message_id": names.mid_of(_target(message.content))}
    emoji = text(mapping(message.content.structured).get("emoji"))
    if emoji is None:
        return action("unreact", message.to, target)
    named = "love" if emoji in _LOVE else emoji
    return action("react", message.to, {**target, "reaction": named})


def _target(content: Content) -> str | None:
    return text(mapping(content.structured).get("target"))


def _node(content: Content) -> Json:
    if content.kind in _FILES and content.media is not None:
        return {"attachment": {"type": _FILES[content.kind], "payload": _file(content.media)}}
    return {"text": content.text}


def _file(media: Media) -> Json:
    by_link = media.reference.startswith("https://")
    return {"url" if by_link else "attachment_id": media.reference}


def _length_in_bytes(words: str) -> int:
    return len(words.encode("utf-8", "surrogatepass"))


TEXT_LIMIT: Final = TextLimit(_TEXT_BYTES, _length_in_bytes)
"""What `objection` holds a text to."""
