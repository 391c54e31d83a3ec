"""What Green API writes in the place of words or a link that it could not get."""

import re
from typing import Final

from providers.reading import clean, mapping
from schemas.content import Json

_MARKER: Final = re.compile(r"\{\{(SWE\d{3})\}\}")
_LONGEST: Final = 64
_REASONS: Final = {
    "SWE001": "WhatsApp showed this message on the phone only; ask to send it again.",
    "SWE002": "The file is larger than 100 MB; it is on the phone.",
    "SWE003": "The keys are lost; remove every linked device on the phone and link it again.",
}
_PLACES: Final = (
    ("textMessageData", "textMessage"),
    ("extendedTextMessageData", "text"),
    ("editedMessageData", "textMessage"),
    ("fileMessageData", "downloadUrl"),
)


def words(value: object) -> str | None:
    """The clean words of a string that is neither empty nor a marker."""
    return clean(value) if isinstance(value, str) and value and marker(value) is None else None


def marker(value: object) -> str | None:
    """The code of a string that is a marker and nothing more."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    found = _MARKER.fullmatch(value.strip())
    return found[1] if found else None


def lost(data: Json) -> Json | None:
    """What went wrong with a message whose content did not come, None if it came."""
    for place, key in _PLACES:
        if code := marker(mapping(data.get(place)).get(key)):
            return {"error": code, "reason": _REASONS.get(code, "Green API could not read it.")}
    return None
