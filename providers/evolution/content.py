"""What a message of WhatsApp's own protocol holds, as Evolution passes it on."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from providers import vcards, wording
from providers.evolution import quantities
from providers.evolution.fields import CARRIED, WRAPPERS
from providers.reading import clean, detail, identifier, integer, items, mapping, number, text
from schemas import codec
from schemas.content import Content, Json, Media, MessageKind

_WRAPPERS: Final = frozenset(WRAPPERS)
_NESTED: Final = 6  # wrappers come in threes at most
Reader = Callable[[Json, str], Content | None]
"""Reads a node; the words are the reference of a file in it."""


def unwrapped(message: object) -> Json:
    """What was said, without what says how long or how often it may be seen."""
    inner = mapping(message)
    for _ in range(_NESTED):
        if _WRAPPERS.isdisjoint(inner):
            return inner
        within = next((inner[name] for name in WRAPPERS if name in inner), None)
        found = mapping(mapping(within).get("message"))
        if not found:
            return inner
        inner = found
    return inner


def word_of(inner: Json) -> str:
    """What an unwrapped message is, by WhatsApp's word; "" if it is nothing."""
    there = [name for name, node in inner.items() if node is not None and name not in CARRIED]
    if len(there) == 1:
        return there[0]
    known = [name for name in there if name in READERS]
    return next((name for name in known if inner[name]), "") or next(iter(known + there), "")


def content_of(message: object, reference: str | None, word: str = "") -> Content:
    """The content of a message; `word` is what it is called where it holds nothing."""
    inner = unwrapped(message)
    found_word = word_of(inner)
    read = READERS.get(found_word)
    node = inner.get(found_word)
    told = mapping(node if isinstance(node, dict) else {found_word: node})
    found = read(told, reference or "") if read else None
    return found or wording.unsupported(
        found_word or word or "none", detail(inner), text=_title(told)
    )


def context_of(inner: Json) -> Json:
    """What a message tells of the one that it answers."""
    return mapping(mapping(inner.get(word_of(inner))).get("contextInfo"))


def _text(name: str) -> Reader:
    def read(node: Json, _: str) -> Content | None:
        words = node.get(name)
        known = isinstance(words, str)
        return Content(kind=MessageKind.TEXT, text=clean(str(words))) if known else None

    return read


def _file(kind: MessageKind) -> Reader:
    def read(node: Json, reference: str) -> Content | None:
        if not reference:
            return None
        heard = kind is MessageKind.AUDIO and node.get("ptt") is True
        media = Media(
            reference=reference,
            mime=text(node.get("mimetype")),
            sha256=quantities.sha256(node.get("fileSha256") or node.get("fileSHA256")),
            size=quantities.whole(node.get("fileLength")),
            file_name=text(node.get("fileName")) or text(node.get("title")),
        )
        return Content(
            kind=MessageKind.VOICE if heard else kind,
            media=media,
            caption=text(node.get("caption")),
        )

    return read


def _location(node: Json, _: str) -> Content | None:
    latitude, longitude = number(node.get("degreesLatitude")), number(node.get("degreesLongitude"))
    if latitude is None or longitude is None:
        return None
    return wording.location(
        latitude,
        longitude,
        name=text(node.get("name")) or text(node.get("caption")),
        address=text(node.get("address")),
        map_url=text(node.get("url")),
    )


def _contact(node: Json, _: str) -> Content | None:
    return _cards([node])


def _contacts(node: Json, _: str) -> Content | None:
    return _cards(items(node.get("contacts")))


def _cards(nodes: list[object]) -> Content | None:
    told = (mapping(node) for node in nodes)
    cards = [vcards.card(text(one.get("vcard")), name=text(one.get("displayName"))) for one in told]
    found = [card for card in cards if card]
    return wording.contacts(found) if found else None


def _reaction(node: Json, _: str) -> Content | None:
    target = identifier(mapping(node.get("key")).get("id"))
    return wording.reaction(text(node.get("text")) or "", target) if target else None


def _button(chosen: str, title: str) -> Reader:
    def read(node: Json, _: str) -> Content | None:
        found, shown = text(node.get(chosen)), text(node.get(title))
        return wording.choice("button_reply", chosen=found, title=shown) if found or shown else None

    return read


def _row(node: Json, _: str) -> Content | None:
    chosen = text(mapping(node.get("singleSelectReply")).get("selectedRowId"))
    title = text(node.get("title"))
    if chosen is None and title is None:
        return None
    description = text(node.get("description"))
    return wording.choice("list_reply", chosen=chosen, title=title, description=description)


def _interactive(node: Json, _: str) -> Content | None:
    flow = mapping(node.get("nativeFlowResponseMessage"))
    said, response = text(mapping(node.get("body")).get("text")), _parameters(flow)
    word = text(flow.get("name"))
    if word is None and said is None:
        return None
    structured = wording.present(
        type=word or "interactive_response",
        id=identifier(response.get("id")),
        title=said,
        response=detail(response) or None,
    )
    words = said or text(response.get("display_text")) or identifier(response.get("id"))
    return Content(kind=MessageKind.INTERACTIVE, text=words, structured=structured)


def _parameters(flow: Json) -> Json:
    try:
        return mapping(codec.loads((text(flow.get("paramsJson")) or "{}").encode()))
    except ValueError:
        return {}


def _order(node: Json, _: str) -> Content | None:
    named = identifier(node.get("orderId"))
    if named is None:
        return None
    note, title = text(node.get("message")), text(node.get("orderTitle"))
    total = quantities.whole(node.get("totalAmount1000"))
    structured = wording.present(
        order_id=named,
        title=title,
        note=note,
        item_count=integer(node.get("itemCount")),
        total=None if total is None else total / 1000,
        currency=text(node.get("totalCurrencyCode")),
    )
    return Content(kind=MessageKind.ORDER, text=note or title, structured=structured)


_TITLES: Final = (
    ("name",),  # polls and events
    ("contentText",),
    ("hydratedTemplate", "hydratedContentText"),
    ("hydratedFourRowTemplate", "hydratedContentText"),
    ("interactiveMessageTemplate", "body", "text"),
    ("body", "text"),
    ("product", "title"),
    ("caption",),
    ("groupName",),
    ("description",),
    ("title",),
)
"""Where kinds that we do not know better keep the words that WhatsApp shows."""


def _title(node: Json) -> str | None:
    return next(filter(None, (_at(node, path) for path in _TITLES)), None)


def _at(node: Json, path: tuple[str, ...]) -> str | None:
    for name in path[:-1]:
        node = mapping(node.get(name))
    return text(node.get(path[-1]))


READERS: Final = MappingProxyType[str, Reader](
    {
        "conversation": _text("conversation"),
        "extendedTextMessage": _text("text"),
        "imageMessage": _file(MessageKind.IMAGE),
        "videoMessage": _file(MessageKind.VIDEO),
        "ptvMessage": _file(MessageKind.VIDEO),
        "audioMessage": _file(MessageKind.AUDIO),
        "documentMessage": _file(MessageKind.DOCUMENT),
        "stickerMessage": _file(MessageKind.STICKER),
        "contactMessage": _contact,
        "contactsArrayMessage": _contacts,
        "locationMessage": _location,
        "liveLocationMessage": _location,
        "reactionMessage": _reaction,
        "buttonsResponseMessage": _button("selectedButtonId", "selectedDisplayText"),
        "templateButtonReplyMessage": _button("selectedId", "selectedDisplayText"),
        "listResponseMessage": _row,
        "interactiveResponseMessage": _interactive,
        "orderMessage": _order,
    }
)
