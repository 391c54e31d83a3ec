"""Our messages in the words of the WhatsApp Cloud API."""

import re
from typing import Final

from providers import sendable, templates, wording
from providers.pieces import TextLimit
from providers.protocol import Outgoing
from providers.reading import items, mapping, text
from schemas.content import Content, Json, Media, MessageKind

_TEXT_LIMIT: Final = 4096
TEXT_LIMIT: Final = TextLimit(_TEXT_LIMIT)
_CAPTION_LIMIT: Final = 1024
_REFERENCE_LIMIT: Final = 512
_PHONE: Final = re.compile(r"\+?[0-9]{5,20}")
_BUSINESS_SCOPED: Final = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_CAPTIONED: Final = frozenset({MessageKind.IMAGE, MessageKind.VIDEO, MessageKind.DOCUMENT})


def objection(content: Content) -> str | None:
    """Why the Cloud API would not take `content`, None if it would."""
    return sendable.objection(content, text_limit=_TEXT_LIMIT, caption_limit=_CAPTION_LIMIT)


def body_of(message: Outgoing) -> Json:
    """The JSON body that sends a message to which there is no objection."""
    word, node = _node(message.content)
    body: Json = {
        "messaging_product": "whatsapp",
        **_address(message.to),
        "type": word,
        word: node,
        "biz_opaque_callback_data": message.reference[:_REFERENCE_LIMIT],
    }
    if message.reply_to and message.content.kind is not MessageKind.REACTION:
        body["context"] = {"message_id": message.reply_to}
    return body


def _address(to: str) -> Json:
    """A business-scoped id in `to` would be read as a phone: accepted, and never delivered."""
    if _PHONE.fullmatch(to):
        return {"recipient_type": "individual", "to": to}
    if _BUSINESS_SCOPED.fullmatch(to):
        return {"recipient_type": "individual", "recipient": to}
    return {"recipient_type": "group", "to": to}


def _node(content: Content) -> tuple[str, object]:
    told = mapping(content.structured)
    if templates.is_template(content):
        return "template", templates.node(content)
    if content.kind in sendable.FILES and content.media is not None:
        return _file(content, content.media)
    match content.kind:
        case MessageKind.LOCATION:
            return "location", _some(told, "latitude", "longitude", "name", "address")
        case MessageKind.CONTACT:
            return "contacts", [_card(mapping(one)) for one in items(told.get("contacts"))]
        case MessageKind.REACTION:
            return "reaction", {"message_id": told["target"], "emoji": told.get("emoji") or ""}
        case _:
            return "text", {"body": content.text, "preview_url": False}


def _file(content: Content, media: Media) -> tuple[str, Json]:
    kind = MessageKind.AUDIO if content.kind is MessageKind.VOICE else content.kind
    by_link = media.reference.startswith("https://")
    node: Json = {"link" if by_link else "id": media.reference}
    if content.caption and kind in _CAPTIONED:
        node["caption"] = content.caption
    if media.file_name and kind is MessageKind.DOCUMENT:
        node["filename"] = media.file_name
    return kind.value, node


def _card(card: Json) -> Json:
    name = text(card.get("name"))
    phones = [mapping(one) for one in items(card.get("phones"))]
    organisation = text(card.get("organisation"))
    named = {"formatted_name": name, "first_name": card.get("first_name") or name}
    return wording.present(
        name={**named, **_some(card, "last_name")},
        phones=[_some(one, "phone", "type") for one in phones],
        org={"company": organisation} if organisation else None,
    )


def _some(told: Json, *names: str) -> Json:
    return wording.present(**{name: told.get(name) for name in names})
