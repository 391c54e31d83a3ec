"""A person's card as a vCard, the only form in which Whapi takes one."""

from collections.abc import Iterator

from providers.reading import items, mapping, text
from schemas.content import Json


def vcard(card: Json) -> str:
    """The vCard of a card, as it came or made of its parts."""
    return text(card.get("vcard")) or "\n".join(_lines(card))


def _lines(card: Json) -> Iterator[str]:
    name = _escaped(card.get("name"))
    first = _escaped(card.get("first_name")) or name
    yield "BEGIN:VCARD"
    yield "VERSION:3.0"
    yield f"N:{_escaped(card.get('last_name'))};{first};;;"
    yield f"FN:{name}"
    for phone in (mapping(one) for one in items(card.get("phones"))):
        if number := _escaped(phone.get("phone")):
            digits = "".join(filter(str.isdecimal, number))
            yield f"TEL;type={_escaped(phone.get('type')) or 'CELL'};waid={digits}:{number}"
    for email in (mapping(one) for one in items(card.get("emails"))):
        if address := _escaped(email.get("email")):
            yield f"EMAIL:{address}"
    if organisation := _escaped(card.get("organisation")):
        yield f"ORG:{organisation}"
    yield "END:VCARD"


def _escaped(value: object) -> str:
    """A value that can end neither its line nor its part."""
    words = " ".join((text(value) or "").split())
    return "".join(f"\\{one}" if one in "\\;,:" else one for one in words)
