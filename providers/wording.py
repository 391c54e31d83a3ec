"""Structured content that all providers tell alike, and the words that a person would read."""

from collections.abc import Sequence
from typing import Final

from schemas.content import Content, Json, MessageKind

_MAP: Final = "https://maps.google.com/?q="


def present(**parts: object) -> Json:
    """The parts that there are."""
    return {name: part for name, part in parts.items() if part not in (None, "", [])}


def location(
    latitude: float,
    longitude: float,
    *,
    name: str | None = None,
    address: str | None = None,
    map_url: str | None = None,
) -> Content:
    """A place: coordinates, what it is called, and where to see it."""
    said = ", ".join(filter(None, (name, address))) or f"{latitude}, {longitude}"
    structured = present(
        latitude=latitude,
        longitude=longitude,
        name=name,
        address=address,
        map_url=map_url or f"{_MAP}{latitude},{longitude}",
    )
    return Content(kind=MessageKind.LOCATION, text=said, structured=structured)


def contacts(cards: Sequence[Json]) -> Content:
    """People's cards, each with `name` and more where known."""
    names = [str(card["name"]) for card in cards if card.get("name")]
    return Content(
        kind=MessageKind.CONTACT, text=", ".join(names) or None, structured={"contacts": [*cards]}
    )


def choice(
    word: str, *, chosen: str | None, title: str | None, description: str | None = None
) -> Content:
    """A button or a row that was chosen; its title is what was said."""
    structured = present(type=word, id=chosen, title=title, description=description)
    return Content(kind=MessageKind.INTERACTIVE, text=title or chosen, structured=structured)


def reaction(emoji: str, target: str) -> Content:
    """A reaction to the message `target`; "" takes an earlier one back."""
    structured: Json = {"emoji": emoji, "target": target}
    return Content(kind=MessageKind.REACTION, text=emoji or None, structured=structured)


def unsupported(word: str, detail: Json, *, text: str | None = None) -> Content:
    """A message of which nothing is known but the provider's word for its kind."""
    structured: Json = {"type": word, "detail": detail}
    return Content(kind=MessageKind.UNSUPPORTED, text=text, structured=structured)
