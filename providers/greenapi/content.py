"""What a Green API message holds, by its type."""

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Final

from providers import vcards, wording
from providers.greenapi import names
from providers.greenapi.files import file
from providers.greenapi.markers import lost, words
from providers.greenapi.redaction import LEFT_OUT
from providers.reading import detail, identifier, items, mapping, number, text
from schemas.content import Content, Json, MessageKind

FileName = Callable[[], str | None]
Reader = Callable[[Json, FileName], Content | None]
_TEXTS: Final = (
    ("textMessageData", "textMessage"),
    ("extendedTextMessageData", "text"),
    ("fileMessageData", "caption"),
)


def content_of(data: Json, file_name: FileName) -> Content:
    """The content of `messageData`; `file_name` tells the name of the file that is in it."""
    word = text(data.get("typeMessage")) or "none"
    if (error := lost(data)) is not None:
        return wording.unsupported(word, error, text=said(data))
    reader = _READERS.get(word)
    content = reader(data, file_name) if reader else None
    return content or wording.unsupported(word, kept(data), text=said(data) or _title(word, data))


def said(data: Json) -> str | None:
    """The words of a message, wherever they stand."""
    found = (words(mapping(data.get(place)).get(key)) for place, key in _TEXTS)
    return next((one for one in found if one), None)


def edited(node: Json) -> Content:
    """The new words of a message, or of what was said of its file."""
    caption = words(node.get("caption"))
    return Content(
        kind=MessageKind.TEXT, text=words(node.get("textMessage")) or caption, caption=caption
    )


def kept(value: object) -> Json:
    """What a fact keeps of an object."""
    return detail(_without_links(value))


def _without_links(value: object) -> object:
    match value:
        case dict():
            return {k: _without_links(one) for k, one in value.items() if k not in LEFT_OUT}
        case list():
            return [_without_links(one) for one in value]
        case _:
            return value


def _text(data: Json, _: FileName) -> Content | None:
    told = said(data)
    return Content(kind=MessageKind.TEXT, text=told) if told else None


def _location(data: Json, _: FileName) -> Content | None:
    node = mapping(data.get("locationMessageData"))
    latitude, longitude = number(node.get("latitude")), number(node.get("longitude"))
    if latitude is None or longitude is None:
        return None
    name, address = text(node.get("nameLocation")), text(node.get("address"))
    return wording.location(latitude, longitude, name=name, address=address)


def _contact(data: Json, _: FileName) -> Content | None:
    return _cards([data.get("contactMessageData")])


def _contacts(data: Json, _: FileName) -> Content | None:
    for place in ("messageData", "contactsArrayMessageData", "contactsArrayMessage"):
        if listed := items(mapping(data.get(place)).get("contacts")):
            return _cards(listed)
    return _cards(items(data.get("contacts")))


def _cards(listed: list[object]) -> Content | None:
    nodes = [mapping(one) for one in listed]
    cards = [vcards.card(text(o.get("vcard")), name=text(o.get("displayName"))) for o in nodes]
    found = [card for card in cards if card]
    return wording.contacts(found) if found else None


def _reaction(data: Json, _: FileName) -> Content | None:
    target = names.quoted(data)
    emoji = text(mapping(data.get("extendedTextMessageData")).get("text"))
    return wording.reaction(emoji or "", target) if target else None


def _chosen(place: str, *, id_key: str, title_key: str) -> Reader:
    def read(data: Json, _: FileName) -> Content | None:
        node = mapping(data.get(place))
        told = node.get(id_key)
        chosen = text(told) or text(mapping(told).get("selectedRowId")) or identifier(told)
        title = text(node.get(title_key))
        if chosen is None and title is None:
            return None
        return wording.choice(place, chosen=chosen, title=title)

    return read


def _offer(place: str, data: Json, _: FileName) -> Content | None:
    """Buttons or a list that somebody else's program shows."""
    node = mapping(data.get(place))
    lines = [text(node.get(key)) for key in ("titleText", "title", "contentText")]
    structured: Json = {**kept(node), "type": place}
    told = "\n".join(filter(None, lines)) or None
    return Content(kind=MessageKind.INTERACTIVE, text=told, structured=structured) if node else None


def _title(word: str, data: Json) -> str | None:
    """What a person would read of a poll or an invitation."""
    place, keys = _TITLES.get(word, ("", ()))
    node = mapping(data.get(place))
    return next((found for key in keys if (found := text(node.get(key)))), None)


_TITLES: Final = {
    "pollMessage": ("pollMessageData", ("name",)),
    "groupInviteMessage": ("groupInviteMessageData", ("caption", "groupName")),
}
_TEMPLATE_REPLY: Final = _chosen(
    "templateButtonReplyMessage", id_key="selectedId", title_key="selectedDisplayText"
)
_READERS: Final = MappingProxyType[str, Reader](
    {
        "textMessage": _text,
        "extendedTextMessage": _text,
        "quotedMessage": _text,
        "imageMessage": partial(file, MessageKind.IMAGE),
        "videoMessage": partial(file, MessageKind.VIDEO),
        "documentMessage": partial(file, MessageKind.DOCUMENT),
        "audioMessage": partial(file, MessageKind.AUDIO),
        "stickerMessage": partial(file, MessageKind.STICKER),
        "locationMessage": _location,
        "contactMessage": _contact,
        "contactsArrayMessage": _contacts,
        "reactionMessage": _reaction,
        "buttonsResponseMessage": _chosen(
            "buttonsResponseMessage", id_key="selectedButtonId", title_key="selectedButtonText"
        ),
        "listResponseMessage": _chosen(
            "listResponseMessage", id_key="singleSelectReply", title_key="title"
        ),
        "templateButtonReplyMessage": _TEMPLATE_REPLY,
        "templateButtonsReplyMessage": _TEMPLATE_REPLY,
        "buttonsMessage": partial(_offer, "buttonsMessage"),
        "listMessage": partial(_offer, "listMessage"),
        "templateMessage": partial(_offer, "templateMessage"),
        "interactiveButtons": partial(_offer, "interactiveButtons"),
        "interactiveButtonsReply": partial(_offer, "interactiveButtonsReply"),
    }
)
CHOICES: Final = ("buttonsResponseMessage", "listResponseMessage", "templateButtonReplyMessage")
"""Answers to what we showed; each names it by `stanzaId`."""
