"""Our messages in the words of Green API."""

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from providers import sendable, wording
from providers.greenapi import names
from providers.pieces import TextLimit
from providers.protocol import Outgoing
from providers.reading import items, mapping, text
from schemas.content import Content, Json, Media, MessageKind

_TEXT_LIMIT: Final = 20_000
TEXT_LIMIT: Final = TextLimit(_TEXT_LIMIT)
_CAPTION_LIMIT: Final = 20_000
_NAME_LIMIT: Final = 200
_ENDINGS: Final = {
    MessageKind.IMAGE: ".jpg",
    MessageKind.VOICE: ".ogg",
    MessageKind.AUDIO: ".mp3",
    MessageKind.VIDEO: ".mp4",
    MessageKind.DOCUMENT: ".bin",
    MessageKind.STICKER: ".webp",
}
"""Green API tells by the ending alone how a file is shown."""


def objection(message: Outgoing) -> str | None:
    """Why Green API would not take `message`, None if it would."""
    content, told = message.content, mapping(message.content.structured)
    if content.kind in sendable.FILES and content.media and not _is_link(content.media):
        return "Green API fetches files by their address, and this is none"
    if content.kind is MessageKind.CONTACT and _phone(told) is None:
        return "Green API takes one contact a message, with its phone"
    if content.kind is MessageKind.REACTION and not names.is_given(text(told.get("target"))):
        return "the reaction is not to a message that WhatsApp knows"
    return sendable.objection(content, text_limit=_TEXT_LIMIT, caption_limit=_CAPTION_LIMIT)


def request_of(message: Outgoing) -> tuple[str, Json]:
    """The method and the parameters that send a message to which there is no objection."""
    method, parameters = _said(message.content)
    body: Json = {"chatId": names.address(message.to), **parameters}
    if names.is_given(message.reply_to) and message.content.kind is not MessageKind.REACTION:
        body["quotedMessageId"] = message.reply_to
    return method, body


def _said(content: Content) -> tuple[str, Json]:
    told = mapping(content.structured)
    if content.media and content.kind in sendable.FILES:
        return "sendFileByUrl", _file(content, content.media)
    match content.kind:
        case MessageKind.LOCATION:
            return "sendLocation", _place(told)
        case MessageKind.CONTACT:
            return "sendContact", {"contact": _card(told)}
        case MessageKind.REACTION:
            emoji = text(told.get("emoji")) or ""
            return "sendReaction", {"idMessage": told.get("target"), "reaction": emoji}
        case _:
            return "sendMessage", {"message": content.text}


def _is_link(media: Media) -> bool:
    return media.reference.startswith(("https://", "http://"))


def _file(content: Content, media: Media) -> Json:
    caption = content.caption if content.kind is not MessageKind.STICKER else None
    name = media.file_name or PurePosixPath(unquote(urlsplit(media.reference).path)).name
    name = name[-_NAME_LIMIT:] or str(content.kind)
    if not PurePosixPath(name).suffix:
        name += _ENDINGS[content.kind]
    return wording.present(urlFile=media.reference, fileName=name, caption=caption)


def _place(told: Json) -> Json:
    return wording.present(
        latitude=told["latitude"],
        longitude=told["longitude"],
        nameLocation=text(told.get("name")),
        address=text(told.get("address")),
    )


def _phone(told: Json) -> int | None:
    cards = items(told.get("contacts"))
    phones = items(mapping(cards[0]).get("phones")) if len(cards) == 1 else []
    said = text(mapping(phones[0]).get("phone")) if phones else None
    digits = "".join(one for one in said or "" if one in "0123456789")
    return int(digits) if 0 < len(digits) <= 20 else None


def _card(told: Json) -> Json:
    card = mapping(items(told.get("contacts"))[0])
    return wording.present(
        phoneContact=_phone(told),
        firstName=card.get("first_name") or card.get("name"),
        lastName=card.get("last_name"),
        company=card.get("organisation"),
    )
