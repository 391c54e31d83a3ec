"""Phone numbers as the world writes them."""

from functools import lru_cache
from typing import Final

import phonenumbers

_CACHED: Final = 65_536  # reading one costs 12 us; a busy account writes with few people at once
_OLD_MEXICO: Final = "521"


@lru_cache(maxsize=_CACHED)
def e164(digits: str) -> str | None:
    """`digits` with the country first, as `+15551234567`; None if no such number can be."""
    digits = digits.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return None
    try:
        found = phonenumbers.parse("+" + _renumbered(digits))
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(found):
        return None
    return str(phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164))


def _renumbered(digits: str) -> str:
    """Mexico dropped the 1 of mobile numbers in 2019; WhatsApp still names people by it."""
    if digits.startswith(_OLD_MEXICO) and len(digits) == 13:
        return "52" + digits[3:]
    return digits
