"""People's cards as vCards, which WhatsApp's gateways pass on as they were written."""

import re
from collections.abc import Iterator
from typing import Final

from providers import wording
from providers.reading import clean
from schemas.content import Json

_LIMIT: Final = 16_384
"""A card without a photo has some hundred characters."""
_FOLDED: Final = re.compile(r"\r?\n[ \t]")
_TYPE: Final = re.compile(r"(?:^|;)type=([^;:]+)", re.IGNORECASE)
_WHATSAPP_ID: Final = re.compile(r"(?:^|;)waid=([0-9]{5,20})", re.IGNORECASE)
_ESCAPED: Final = re.compile(r"\\(.)")

_Line = tuple[str, str, str]
"""Name, parameters and value."""


def card(vcard: str | None, *, name: str | None = None) -> Json:
    """The card in a vCard; `name` is what the sender calls it."""
    vcard = clean(vcard or "")[:_LIMIT]
    lines = list(_lines(vcard))
    last, first = _parts(lines)
    return wording.present(
        name=name or _first(lines, "FN") or " ".join(filter(None, (first, last))),
        first_name=first,
        last_name=last,
        phones=[_phone(*line) for line in lines if line[0] == "TEL"],
        emails=[
            wording.present(email=value, type=_kind(parameters))
            for word, parameters, value in lines
            if word == "EMAIL"
        ],
        organisation=(_first(lines, "ORG") or "").strip(";").replace(";", ", "),
        title=_first(lines, "TITLE"),
        birthday=_first(lines, "BDAY"),
        vcard=vcard,
    )


def _lines(vcard: str) -> Iterator[_Line]:
    for line in _FOLDED.sub("", vcard).splitlines():
        name, colon, value = line.partition(":")
        word, _, parameters = name.partition(";")
        value = _ESCAPED.sub(r"\1", value).strip()
        if colon and value:
            yield word.rpartition(".")[2].strip().upper(), parameters, value


def _first(lines: list[_Line], wanted: str) -> str | None:
    return next((value for word, _, value in lines if word == wanted), None)


def _parts(lines: list[_Line]) -> tuple[str | None, str | None]:
    """Last and first name."""
    last, first, *_ = [*(_first(lines, "N") or "").split(";"), "", ""]
    return last.strip() or None, first.strip() or None


def _phone(_: str, parameters: str, value: str) -> Json:
    waid = _WHATSAPP_ID.search(parameters)
    return wording.present(
        phone=value.removeprefix("tel:"),
        type=_kind(parameters),
        whatsapp_id=waid[1] if waid else None,
    )


def _kind(parameters: str) -> str | None:
    found = _TYPE.search(parameters)
    return found[1] if found else None
