"""Our messages in the words of the Evolution API."""

from types import MappingProxyType
from typing import Final

from providers import jids, sendable, wording
from providers.pieces import TextLimit
from providers.protocol import Outgoing
from providers.reading import items, mapping, number, text
from schemas.content import Content, Json, Media, MessageKind

_TEXT_LIMIT: Final = 65_536
TEXT_LIMIT: Final = TextLimit(_TEXT_LIMIT)
"""WhatsApp's own bound; a longer text is cut off by it."""
_CAPTION_LIMIT: Final = 1024
_SHORTEST_PHONE: Final = 10
_MEDIA_TYPES: Final = MappingProxyType(
    {
        MessageKind.IMAGE: "image",
        MessageKind.VIDEO: "video",
        MessageKind.AUDIO: "audio",
        MessageKind.DOCUMENT: "document",
    }
)


def objection(content: Content) -> str | None:
    """Why Evolution would not take `content`, None if it would."""
    wrong = sendable.objection(content, text_limit=_TEXT_LIMIT, caption_limit=_CAPTION_LIMIT)
    if wrong is not None:
        return wrong
    if content.kind in sendable.FILES and not _is_link(content.media):
        return "the file has no URL that Evolution could fetch it from"
    if content.kind is MessageKind.CONTACT and not all(map(_phone, _cards(content))):
        return "a contact has no phone number"
    return None


def _is_link(media: Media | None) -> bool:
    return media is not None and media.reference.startswith(("https://", "http://"))


def request_of(message: Outgoing) -> tuple[str, Json]:
    """The method and the body that send a message to which there is no objection."""
    content = message.content
    if content.kind is MessageKind.REACTION:
        return "sendReaction", _reaction(message)
    method, said = _said(content)
    body: Json = {"number": message.to, **said}
    if message.reply_to:
        body["quoted"] = {"key": {"id": message.reply_to}}
    return method, body


def _said(content: Content) -> tuple[str, Json]:
    told = mapping(content.structured)
    if content.media is not None and content.kind in sendable.FILES:
        return _file(content, content.media)
    match content.kind:
        case MessageKind.LOCATION:
            return "sendLocation", _place(told)
        case MessageKind.CONTACT:
            return "sendContact", {"contact": [_card(card) for card in _cards(content)]}
        case _:
            return "sendText", {"text": content.text, "linkPreview": False}


def _file(content: Content, media: Media) -> tuple[str, Json]:
    match content.kind:
        case MessageKind.VOICE:
            return "sendWhatsAppAudio", {"audio": media.reference}
        case MessageKind.STICKER:
            return "sendSticker", {"sticker": media.reference}
        case kind:
            return "sendMedia", wording.present(
                mediatype=_MEDIA_TYPES[kind],
                media=media.reference,
                mimetype=media.mime,
                fileName=media.file_name,
                caption=content.caption,
            )


def _place(told: Json) -> Json:
    """Evolution demands a name and an address, though both may be empty."""
    return {
        "latitude": number(told["latitude"]),
        "longitude": number(told["longitude"]),
        "name": text(told.get("name")) or "",
        "address": text(told.get("address")) or "",
    }


def _cards(content: Content) -> list[Json]:
    told = mapping(content.structured)
    return [mapping(card) for card in items(told.get("contacts"))]


def _phone(card: Json) -> str | None:
    phones = (text(mapping(one).get("phone")) for one in items(card.get("phones")))
    return next((one for one in phones if one and len(one) >= _SHORTEST_PHONE), None)


def _card(card: Json) -> Json:
    emails = [text(mapping(one).get("email")) for one in items(card.get("emails"))]
    return wording.present(
        fullName=card.get("name"),
        phoneNumber=_phone(card),
        organization=text(card.get("organisation")),
        email=next(filter(None, emails), None),
    )


def _reaction(message: Outgoing) -> Json:
    """A reaction to what the other end wrote; our own messages we leave alone."""
    told = mapping(message.content.structured)
    key = {"remoteJid": jids.address(message.to), "fromMe": False, "id": told.get("target")}
    return {"key": key, "reaction": text(told.get("emoji")) or ""}
