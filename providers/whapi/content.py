"""What a Whapi message holds, by its type."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from providers import vcards, wording
from providers.reading import (
    clean,
    detail,
    identifier,
    integer,
    items,
    mapping,
    number,
    sha256_hex,
    text,
)
from schemas.content import Content, Json, Media, MessageKind

OF_MESSAGE: Final = "message:"
"""Before the id of a message whose file has no id yet: Whapi names it when it is asked."""
_NO_FILE_YET: Final = "media_init"
_LIBRARY_PREFIXES: Final = ("ButtonsV3:", "ListV3:")
"""What Whapi puts before the id that was given to a button or a row."""
_ENVELOPE: Final = frozenset(
    {"id", "type", "subtype", "chat_id", "chat_name", "from", "from_me", "from_name", "to"}
    | {"source", "timestamp", "device_id", "status", "context", "reactions", "labels"}
)

_Reader = Callable[[Json], Content | None]


def content_of(message: Json, *, target: str | None = None) -> Content:
    """The content of a message; `unsupported` where its type or its shape is not known.

    `target` is what an action is on, where the action does not say so itself.
    """
    word = text(message.get("type")) or "none"
    if word == "action":
        found = _action(mapping(message.get("action")), target)
    else:
        reader = _READERS.get(word)
        found = reader(message) if reader else None
    return found or _unsupported(word, message)


def edited(action: Json, target: str) -> Content | None:
    """The new content of the message `target`, None where the action does not tell it."""
    node = mapping(action.get("edited_content"))
    if not node:
        return None
    word = text(action.get("edited_type")) or "text"
    inner = node.get(word)
    return content_of(
        {"id": target, "type": word, word: inner if isinstance(inner, dict) else node}
    )


def _unsupported(word: str, message: Json) -> Content:
    told = {key: one for key, one in message.items() if key not in _ENVELOPE}
    return wording.unsupported(word, detail(told), text=_words(message.get(word)))


def _words(node: object) -> str | None:
    """What stands in a shape that we do not know, for people to read."""
    told = mapping(node)
    body = told.get("body")
    return (
        text(body)
        or text(mapping(body).get("text"))
        or next(filter(None, (text(told.get(key)) for key in ("text", "title", "name"))), None)
    )


def _text(message: Json) -> Content | None:
    body = mapping(message.get("text")).get("body")
    if not isinstance(body, str):
        return None
    return Content(kind=MessageKind.TEXT, text=clean(body))


def _linked(word: str) -> _Reader:
    """A text with a link in it comes with what the link's page says of itself."""

    def read(message: Json) -> Content | None:
        node = mapping(message.get(word))
        keys = ("body", "url", "canonical", "title")
        said = next(filter(None, (text(node.get(key)) for key in keys)), None)
        return Content(kind=MessageKind.TEXT, text=said) if said else None

    return read


def _file(kind: MessageKind, *words: str) -> _Reader:
    def read(message: Json) -> Content | None:
        nodes = (message.get(word) for word in words)
        node = next((one for one in nodes if isinstance(one, dict)), None)
        named = None if node is None else _reference(node, message)
        if node is None or named is None:
            return None
        media = Media(
            reference=named,
            mime=text(node.get("mime_type")),
            sha256=sha256_hex(node.get("sha256")),
            size=integer(node.get("file_size")),
            file_name=text(node.get("file_name")) or text(node.get("filename")),
        )
        return Content(kind=kind, media=media, caption=text(node.get("caption")))

    return read


def _reference(node: Json, message: Json) -> str | None:
    named = identifier(node.get("id"))
    if named not in {None, _NO_FILE_YET}:
        return named
    message_id = identifier(message.get("id"))
    return f"{OF_MESSAGE}{message_id}" if message_id else None


def _location(word: str) -> _Reader:
    def read(message: Json) -> Content | None:
        node = mapping(message.get(word))
        latitude, longitude = number(node.get("latitude")), number(node.get("longitude"))
        if latitude is None or longitude is None:
            return None
        called = text(node.get("name")) or text(node.get("caption")) or text(node.get("comment"))
        return wording.location(
            latitude,
            longitude,
            name=called,
            address=text(node.get("address")),
            map_url=text(node.get("url")),
        )

    return read


def _contact(message: Json) -> Content | None:
    return _cards([message.get("contact")])


def _contacts(message: Json) -> Content | None:
    return _cards(items(mapping(message.get("contact_list")).get("list")))


def _cards(told: list[object]) -> Content | None:
    nodes = (mapping(one) for one in told)
    cards = [vcards.card(text(one.get("vcard")), name=text(one.get("name"))) for one in nodes]
    cards = [card for card in cards if card]
    return wording.contacts(cards) if cards else None


def _reply(message: Json) -> Content | None:
    node = mapping(message.get("reply"))
    word = text(node.get("type")) or next(iter(node), "reply")
    chosen = mapping(node.get(word))
    named, title = _own_id(text(chosen.get("id"))), text(chosen.get("title"))
    if named is None and title is None:
        return None
    description = text(chosen.get("description"))
    return wording.choice(word, chosen=named, title=title, description=description)


def _own_id(given: str | None) -> str | None:
    for prefix in _LIBRARY_PREFIXES:
        given = given.removeprefix(prefix) if given else given
    return given or None


def _offered(word: str) -> _Reader:
    """What the business offered for choice: its words, and all of it."""

    def read(message: Json) -> Content | None:
        node = mapping(message.get(word))
        if not node:
            return None
        structured: Json = {"type": word, "detail": detail(node)}
        return Content(kind=MessageKind.INTERACTIVE, text=_words(node), structured=structured)

    return read


def _order(message: Json) -> Content | None:
    node = mapping(message.get("order"))
    note, title = text(node.get("text")), text(node.get("title"))
    structured = wording.present(
        order_id=identifier(node.get("order_id")),
        title=title,
        item_count=integer(node.get("item_count")),
        total_price=number(node.get("total_price")),
        currency=text(node.get("currency")) or detail(node.get("currency")) or None,
        status=text(node.get("status")),
        note=note,
    )
    if not structured:
        return None
    return Content(kind=MessageKind.ORDER, text=note or title, structured=structured)


def _action(action: Json, target: str | None) -> Content | None:
    target = identifier(action.get("target")) or target
    match action.get("type"):
        case "reaction" if target is not None:
            return wording.reaction(text(action.get("emoji")) or "", target)
        case "vote":
            votes = ", ".join(filter(None, (text(one) for one in items(action.get("votes")))))
            return wording.choice("vote", chosen=None, title=votes) if votes else None
        case "comment":
            said = text(action.get("comment"))
            return Content(kind=MessageKind.TEXT, text=said) if said else None
        case _:
            return None


_READERS: Final = MappingProxyType[str, _Reader](
    {
        "text": _text,
        "link_preview": _linked("link_preview"),
        "catalog": _linked("catalog"),
        "image": _file(MessageKind.IMAGE, "image"),
        "video": _file(MessageKind.VIDEO, "video"),
        "gif": _file(MessageKind.VIDEO, "gif"),
        "short": _file(MessageKind.VIDEO, "short"),
        "audio": _file(MessageKind.AUDIO, "audio"),
        "voice": _file(MessageKind.VOICE, "voice"),
        "document": _file(MessageKind.DOCUMENT, "document"),
        "documentWithCaption": _file(MessageKind.DOCUMENT, "documentWithCaption", "document"),
        "sticker": _file(MessageKind.STICKER, "sticker"),
        "location": _location("location"),
        "live_location": _location("live_location"),
        "contact": _contact,
        "contact_list": _contacts,
        "reply": _reply,
        "interactive": _offered("interactive"),
        "buttons": _offered("buttons"),
        "list": _offered("list"),
        "hsm": _offered("hsm"),
        "order": _order,
    }
)
