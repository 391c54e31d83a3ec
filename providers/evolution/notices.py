"""Items of what is not about a message: connection, presence, chats, contacts, groups, calls."""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from providers import jids
from providers.evolution.fields import PERSONAL, SECRET
from providers.evolution.redaction import redacted
from providers.protocol import Item
from providers.reading import digest, identifier
from schemas.content import Json
from schemas.inputs import ItemKind

_TOGETHER: Final = 50
"""Elements of a list in one item: a full list of contacts would not fit into a record."""


class Envelope(Protocol):
    """What stands around the data of a webhook."""

    @property
    def event(self) -> str:
        """The event's name, in lower case with dots."""

    @property
    def account(self) -> str | None:
        """The instance."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Secrets that the body tells."""

    @property
    def at(self) -> str | None:
        """When Evolution told it."""


def split(around: Envelope, data: object) -> list[Item]:
    """The items of an event that is about no message; there is always one."""
    if around.event in SECRET:
        return [_item(around, "", {})]
    where = PERSONAL.get(around.event)
    if where is None:
        return [_item(around, "", part) for part in _parts(data)]
    listed = data if isinstance(data, list) and data else [data]
    return [_personal(around, one, where) for one in listed]


def _parts(data: object) -> Iterator[object]:
    if not isinstance(data, list) or len(data) <= _TOGETHER:
        yield data
        return
    for start in range(0, len(data), _TOGETHER):
        yield data[start : start + _TOGETHER]


def _personal(around: Envelope, element: object, where: Iterable[str]) -> Item:
    if not isinstance(element, dict):
        return _item(around, "", element)
    chats = (jids.read(element.get(name)) for name in where)
    chat = next((one for one in chats if one and not one.is_broadcast), None)
    return _item(around, chat.platform_user_id if chat else "", element, _call(around, element))


def _call(around: Envelope, element: Json) -> str | None:
    """The name of what happened to a call."""
    named, word = identifier(element.get("id")), identifier(element.get("status"))
    return f"{named}:{word}" if around.event == "call" and named and word else None


def _item(around: Envelope, chat: str, data: object, named: str | None = None) -> Item:
    fragment: Json = {
        "event": around.event,
        "instance": around.account,
        "data": redacted(data, around.keys),
        "at": around.at,  # two equal events at different times are two
    }
    return Item(
        kind=ItemKind.SYSTEM,
        account=around.account,
        platform_user_id=chat,
        message_id=named or digest(fragment),
        fragment=fragment,
    )
