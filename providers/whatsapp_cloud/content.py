"""What a WhatsApp message holds, by its type."""

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Final

from providers import wording
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
from schemas import codec
from schemas.content import Content, Json, Media, MessageKind

_ENVELOPE: Final = frozenset(
    {"id", "from", "from_user_id", "from_parent_user_id", "to", "to_user_id", "to_parent_user_id"}
    | {"timestamp", "type", "context", "group_id", "identity"}
)


def content_of(message: Json, errors: object = None) -> Content:
    """The content of a message; `unsupported` where its type or its shape is not known."""
    word = text(message.get("type")) or "none"
    reader = _READERS.get(word)
    found = reader(message) if reader else None
    return found or _unsupported(word, message, errors)


def _unsupported(word: str, message: Json, errors: object) -> Content:
    told = {key: one for key, one in message.items() if key not in _ENVELOPE}
    if errors:
        told.setdefault("errors", errors)
    return wording.unsupported(word, detail(told))


def _text(message: Json) -> Content | None:
    body = mapping(message.get("text")).get("body")
    if not isinstance(body, str):
        return None
    return Content(kind=MessageKind.TEXT, text=clean(body))


def _file(kind: MessageKind, word: str) -> Callable[[Json], Content | None]:
    def read(message: Json) -> Content | None:
        node = mapping(message.get(word))
        reference = identifier(node.get("id"))
        if reference is None:
            return None
        heard = kind is MessageKind.AUDIO and node.get("voice") is True
        media = Media(
            reference=reference,
            mime=text(node.get("mime_type")),
            sha256=sha256_hex(node.get("sha256")),
            size=integer(node.get("file_size")),
            file_name=text(node.get("filename")),
        )
        return Content(
            kind=MessageKind.VOICE if heard else kind,
            media=media,
            caption=text(node.get("caption")),
        )

    return read


def _location(message: Json) -> Content | None:
    node = mapping(message.get("location"))
    latitude, longitude = number(node.get("latitude")), number(node.get("longitude"))
    if latitude is None or longitude is None:
        return None
    return wording.location(
        latitude,
        longitude,
        name=text(node.get("name")),
        address=text(node.get("address")),
        map_url=text(node.get("url")),
    )


def _contacts(message: Json) -> Content | None:
    cards = [_card(mapping(one)) for one in items(message.get("contacts"))]
    return wording.contacts(cards) if cards else None


def _card(contact: Json) -> Json:
    name = mapping(contact.get("name"))
    first, last = text(name.get("first_name")), text(name.get("last_name"))
    parts = " ".join(filter(None, (first, last)))
    return wording.present(
        name=text(name.get("formatted_name")) or parts,
        first_name=first,
        last_name=last,
        phones=_listed(contact, "phones", phone="phone", type="type", whatsapp_id="wa_id"),
        emails=_listed(contact, "emails", email="email", type="type"),
        organisation=text(mapping(contact.get("org")).get("company")),
        title=text(mapping(contact.get("org")).get("title")),
        birthday=text(contact.get("birthday")),
        vcard=text(contact.get("vcard")),
    )


def _listed(contact: Json, key: str, **names: str) -> list[Json]:
    found = (mapping(one) for one in items(contact.get(key)))
    read = (
        wording.present(**{ours: text(one.get(theirs)) for ours, theirs in names.items()})
        for one in found
    )
    return [one for one in read if one]


def _interactive(message: Json) -> Content | None:
    node = mapping(message.get("interactive"))
    word = text(node.get("type"))
    chosen = mapping(node.get(word)) if word else {}
    if word is None or not chosen:
        return None
    match word:
        case "nfm_reply":
            return _form(chosen)
        case "call_permission_reply":
            answer = text(chosen.get("response"))
            return wording.choice(word, chosen=answer, title=answer)
        case _:
            return wording.choice(
                word,
                chosen=text(chosen.get("id")),
                title=text(chosen.get("title")),
                description=text(chosen.get("description")),
            )


def _form(reply: Json) -> Content:
    structured = wording.present(
        type="nfm_reply",
        id=text(reply.get("name")),
        title=text(reply.get("body")),
        response=_filled_in(text(reply.get("response_json"))),
    )
    body = text(reply.get("body"))
    return Content(kind=MessageKind.INTERACTIVE, text=body, structured=structured)


def _filled_in(response: str | None) -> object:
    try:
        return detail(codec.loads(response.encode())) if response else None
    except ValueError:
        return response


def _button(message: Json) -> Content | None:
    node = mapping(message.get("button"))
    payload, title = text(node.get("payload")), text(node.get("text"))
    if payload is None and title is None:
        return None
    return wording.choice("button", chosen=payload, title=title)


def _reaction(message: Json) -> Content | None:
    node = mapping(message.get("reaction"))
    target = identifier(node.get("message_id"))
    return wording.reaction(text(node.get("emoji")) or "", target) if target else None


def _order(message: Json) -> Content | None:
    node = mapping(message.get("order"))
    products = [_product(mapping(one)) for one in items(node.get("product_items"))]
    if not products:
        return None
    note = text(node.get("text"))
    structured = wording.present(
        catalog_id=identifier(node.get("catalog_id")), items=products, note=note
    )
    said = note or ", ".join(_said(products))
    return Content(kind=MessageKind.ORDER, text=said or None, structured=structured)


def _product(node: Json) -> Json:
    return wording.present(
        product_id=identifier(node.get("product_retailer_id")),
        quantity=integer(node.get("quantity")),
        price=number(node.get("item_price")),
        currency=text(node.get("currency")),
    )


def _said(products: Iterable[Json]) -> Iterable[str]:
    for product in products:
        yield f"{product.get('quantity', 1)} \N{MULTIPLICATION SIGN} {product.get('product_id')}"


_READERS: Final = MappingProxyType[str, Callable[[Json], Content | None]](
    {
        "text": _text,
        "image": _file(MessageKind.IMAGE, "image"),
        "audio": _file(MessageKind.AUDIO, "audio"),
        "video": _file(MessageKind.VIDEO, "video"),
        "document": _file(MessageKind.DOCUMENT, "document"),
        "sticker": _file(MessageKind.STICKER, "sticker"),
        "location": _location,
        "contacts": _contacts,
        "interactive": _interactive,
        "button": _button,
        "reaction": _reaction,
        "order": _order,
    }
)
