"""What a Telegram message holds."""

from collections.abc import Callable
from typing import Final

from providers import wording
from providers.reading import clean, detail, identifier, integer, items, mapping, number, text
from providers.telegram.fields import ENVELOPE
from schemas.content import Content, Json, Media, MessageKind

Reader = Callable[[object, Json], Content | None]


def content_of(message: Json) -> Content:
    """The content of a message; `unsupported` where nothing in it is known."""
    for key, reader in _READERS:
        if key in message and (found := reader(message[key], message)):
            return found
    return _unsupported(message)


def _unsupported(message: Json) -> Content:
    told = {key: one for key, one in message.items() if key not in ENVELOPE}
    word = clean(next(iter(told), "none"))
    caption = text(message.get("caption"))
    if not told and caption:
        return Content(kind=MessageKind.TEXT, text=caption)
    titled = _TITLES.get(word)
    said = titled(mapping(told.get(word))) if titled else None
    return wording.unsupported(word, detail(told), text=said or caption)


def _thrown(dice: Json) -> str | None:
    value = integer(dice.get("value"))
    return " ".join(filter(None, (text(dice.get("emoji")), str(value or ""))))


_TITLES: Final[dict[str, Callable[[Json], str | None]]] = {
    "checklist": lambda node: text(node.get("title")),
    "dice": _thrown,
    "game": lambda node: text(node.get("title")),
    "invoice": lambda node: text(node.get("title")),
    "poll": lambda node: text(node.get("question")),
}


def _text(node: object, _: Json) -> Content | None:
    return Content(kind=MessageKind.TEXT, text=clean(node)) if isinstance(node, str) else None


def _file(kind: MessageKind, mime: str | None = None) -> Reader:
    def read(node: object, message: Json) -> Content | None:
        return _content_with(kind, mapping(node), message, mime)

    return read


def _content_with(
    kind: MessageKind, node: Json, message: Json, mime: str | None, words: str | None = None
) -> Content | None:
    reference = identifier(node.get("file_id"))
    if reference is None:
        return None
    media = Media(
        reference=reference,
        mime=text(node.get("mime_type")) or mime,
        size=integer(node.get("file_size")),
        file_name=text(node.get("file_name")),
    )
    return Content(kind=kind, text=words, media=media, caption=text(message.get("caption")))


def _photo(node: object, message: Json) -> Content | None:
    """A photo comes in several sizes; the largest is the one that was sent."""
    sizes = [mapping(one) for one in items(node)]
    named = [size for size in sizes if identifier(size.get("file_id"))]
    if not named:
        return None
    return _content_with(MessageKind.IMAGE, max(named, key=_area), message, "image/jpeg")


def _area(size: Json) -> tuple[int, int]:
    width, height = integer(size.get("width")) or 0, integer(size.get("height")) or 0
    return width * height, integer(size.get("file_size")) or 0


def _sticker(node: object, message: Json) -> Content | None:
    sticker = mapping(node)
    mime = "image/webp"
    if sticker.get("is_animated") is True:
        mime = "application/x-tgsticker"
    elif sticker.get("is_video") is True:
        mime = "video/webm"
    return _content_with(
        MessageKind.STICKER, sticker, message, mime, words=text(sticker.get("emoji"))
    )


def _venue(node: object, _: Json) -> Content | None:
    venue = mapping(node)
    place = mapping(venue.get("location"))
    return _place(place, text(venue.get("title")), text(venue.get("address")))


def _location(node: object, _: Json) -> Content | None:
    return _place(mapping(node))


def _place(node: Json, name: str | None = None, address: str | None = None) -> Content | None:
    latitude, longitude = number(node.get("latitude")), number(node.get("longitude"))
    if latitude is None or longitude is None:
        return None
    return wording.location(latitude, longitude, name=name, address=address)


def _contact(node: object, _: Json) -> Content | None:
    contact = mapping(node)
    first, last = text(contact.get("first_name")), text(contact.get("last_name"))
    phone, vcard = text(contact.get("phone_number")), text(contact.get("vcard"))
    card = wording.present(
        name=" ".join(filter(None, (first, last))),
        first_name=first,
        last_name=last,
        phones=[{"phone": phone}] if phone else None,
        organisation=_organisation(vcard or ""),
        user_id=identifier(contact.get("user_id")),
        vcard=vcard,
    )
    return wording.contacts([card]) if card else None


def _organisation(vcard: str) -> str | None:
    """The company in the line `ORG;…:Company;Department` of a vCard."""
    for line in vcard.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.partition(";")[0].strip().upper() == "ORG":
            return value.partition(";")[0].strip() or None
    return None


def _web_app(node: object, _: Json) -> Content | None:
    chosen = text(mapping(node).get("data"))
    title = text(mapping(node).get("button_text"))
    return wording.choice("web_app_data", chosen=chosen, title=title) if chosen else None


_READERS: Final[tuple[tuple[str, Reader], ...]] = (
    ("text", _text),
    ("photo", _photo),
    ("voice", _file(MessageKind.VOICE, "audio/ogg")),
    ("audio", _file(MessageKind.AUDIO, "audio/mpeg")),
    ("video", _file(MessageKind.VIDEO, "video/mp4")),
    ("video_note", _file(MessageKind.VIDEO, "video/mp4")),
    ("animation", _file(MessageKind.VIDEO, "video/mp4")),  # before the document that repeats it
    ("document", _file(MessageKind.DOCUMENT)),
    ("sticker", _sticker),
    ("contact", _contact),
    ("venue", _venue),  # before the location that repeats it
    ("location", _location),
    ("web_app_data", _web_app),
)
