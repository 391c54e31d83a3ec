"""Items of shapes that nobody foresaw: kept whole, named by their content."""

from typing import Final

from providers.protocol import Item, Unrecognised
from providers.reading import clean, digest, mapping, ordered, text
from schemas.content import Json
from schemas.inputs import ItemKind

_REASON_LIMIT: Final = 200


def unrecognised(account: str | None, reason: str, value: object) -> Item:
    """The item that keeps `value` and tells why it could not be read."""
    kept = ordered(value)
    return Item(
        kind=ItemKind.UNRECOGNISED,
        account=account,
        platform_user_id="",
        message_id=digest(kept),
        fragment={"reason": clean(reason)[:_REASON_LIMIT], "value": kept},
    )


def rest(name: str, account: str | None, whole: Json, known: frozenset[str]) -> Item:
    """The item that keeps the parts of `whole` that nobody knows."""
    left = {key: one for key, one in whole.items() if key not in known}
    return unrecognised(account, f"{name} has unknown parts", left)


def unread(fragment: Json) -> Unrecognised:
    """What an unrecognised item says."""
    reason = text(mapping(fragment).get("reason"))
    return Unrecognised(reason=reason or "no reason given")
