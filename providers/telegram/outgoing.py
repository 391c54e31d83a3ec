"""Our messages in the words of the Bot API."""

from typing import Final

from providers import sendable, wording
from providers.pieces import TextLimit
from providers.protocol import Outgoing
from providers.reading import items, mapping, text
from providers.telegram import names
from schemas.content import Json, MessageKind

_TEXT_LIMIT: Final = 4096
_CAPTION_LIMIT: Final = 1024
_FILES: Final = {
    MessageKind.IMAGE: ("sendPhoto", "photo"),
    MessageKind.VOICE: ("sendVoice", "voice"),
    MessageKind.AUDIO: ("sendAudio", "audio"),
    MessageKind.VIDEO: ("sendVideo", "video"),
    MessageKind.DOCUMENT: ("sendDocument", "document"),
    MessageKind.STICKER: ("sendSticker", "sticker"),
}


def objection(message: Outgoing) -> str | None:
    """Why the Bot API would not take `message`, None if it would."""
    content = message.content
    told = mapping(content.structured)
    if content.kind is MessageKind.CONTACT and _phone(told) is None:
        return "Telegram takes one contact a message, with its phone"
    target = text(told.get("target"))
    if content.kind is MessageKind.REACTION and names.number_in(message.to, target) is None:
        return "the reaction is not to a message of this chat"
    return sendable.objection(
        content, text_limit=_TEXT_LIMIT, caption_limit=_CAPTION_LIMIT, length=_utf16_length
    )


def request_of(message: Outgoing) -> tuple[str, Json]:
    """The method and the parameters that send a message to which there is no objection."""
    method, parameters = _said(message)
    body = {**names.address(message.to), **parameters}
    answered = names.number_in(message.to, message.reply_to)
    if answered is not None and message.content.kind is not MessageKind.REACTION:
        body["reply_parameters"] = {"message_id": answered, "allow_sending_without_reply": True}
    return method, body


def _said(message: Outgoing) -> tuple[str, Json]:
    content = message.content
    told = mapping(content.structured)
    if content.media and content.kind in _FILES:
        method, name = _FILES[content.kind]
        caption = content.caption if content.kind is not MessageKind.STICKER else None
        return method, wording.present(**{name: content.media.reference, "caption": caption})
    match content.kind:
        case MessageKind.LOCATION:
            return _place(told)
        case MessageKind.CONTACT:
            return "sendContact", _card(told)
        case MessageKind.REACTION:
            return "setMessageReaction", _reaction(message.to, told)
        case _:
            return "sendMessage", {"text": content.text}


def _place(told: Json) -> tuple[str, Json]:
    where: Json = {"latitude": told["latitude"], "longitude": told["longitude"]}
    name, address = text(told.get("name")), text(told.get("address"))
    if name and address:
        return "sendVenue", {**where, "title": name, "address": address}
    return "sendLocation", where


def _phone(told: Json) -> str | None:
    cards = items(told.get("contacts"))
    phones = items(mapping(cards[0]).get("phones")) if len(cards) == 1 else []
    return text(mapping(phones[0]).get("phone")) if phones else None


def _card(told: Json) -> Json:
    card = mapping(items(told.get("contacts"))[0])
    return wording.present(
        phone_number=_phone(told),
        first_name=card.get("first_name") or card.get("name"),
        last_name=card.get("last_name"),
        vcard=card.get("vcard"),
    )


def _reaction(chat: str, told: Json) -> Json:
    emoji = text(told.get("emoji"))
    return {
        "message_id": names.number_in(chat, text(told.get("target"))),
        "reaction": [{"type": "emoji", "emoji": emoji}] if emoji else [],
    }


def _utf16_length(words: str) -> int:
    """Telegram counts UTF-16 units: most emoji are two."""
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


TEXT_LIMIT: Final = TextLimit(_TEXT_LIMIT, _utf16_length)
"""What `objection` holds a text to."""
