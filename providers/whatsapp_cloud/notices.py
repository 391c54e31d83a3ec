"""Items of what is not a message: calls, changes of ids and of the account, errors."""

from collections.abc import Iterator
from typing import Final

from providers.protocol import Item
from providers.reading import digest, identifier, items, mapping
from providers.unforeseen import unrecognised
from providers.whatsapp_cloud.fields import PERSONAL, VALUE_KEYS
from schemas.content import Json
from schemas.inputs import ItemKind

_SESSION: Final = "session"  # how to join a call: WebRTC credentials


def split(
    field: str, value: Json, entry: Json, account: str | None, people: dict[str, Json]
) -> Iterator[Item]:
    """The items of a change of `field`: one for each person it is about, else one."""
    read = PERSONAL.get(field, ())
    elements = [one for key in read for one in items(value.get(key))]
    for element in elements:
        yield _of_person(field, element, value, account, people)
    if not elements:
        yield _whole(field, value, entry, account)
    elif not value.keys() <= VALUE_KEYS.union(read):
        rest = {key: one for key, one in value.items() if key not in VALUE_KEYS.union(read)}
        yield unrecognised(account, f"{field} has unknown parts", rest)


def errors(reported: object, account: str | None) -> Item:
    """The item of errors that belong to no message."""
    return _item("", account, {"field": "errors", "value": {"errors": reported}})


def _whole(field: str, value: Json, entry: Json, account: str | None) -> Item:
    fragment: Json = {"field": field, "value": value}
    if "time" in entry:  # two equal changes at different times are two
        fragment["time"] = entry["time"]
    return _item("", account, fragment)


def _of_person(
    field: str, element: object, value: Json, account: str | None, people: dict[str, Json]
) -> Item:
    if not isinstance(element, dict):
        return unrecognised(account, f"an element of {field} is no object", element)
    person = person_of(element)
    kept: Json = {key: one for key, one in element.items() if key != _SESSION}
    fragment: Json = {"field": field, "value": kept}
    if person in people:
        fragment["contact"] = people[person]
    if value.get("errors"):
        fragment["errors"] = value["errors"]
    return _item(person, account, fragment, named=_name(element))


def person_of(element: Json) -> str:
    """The customer: the caller, or who is called, or whose id or preference it is."""
    names: tuple[str, ...] = ("wa_id", "from", "from_user_id", "recipient_id", "recipient_user_id")
    if element.get("direction") == "BUSINESS_INITIATED":
        names = ("to", "to_user_id")
    for name in names:
        if found := identifier(element.get(name)):
            return found
    user_id = element.get("user_id")
    return identifier(user_id) or identifier(mapping(user_id).get("previous")) or ""


def _name(element: Json) -> str | None:
    call = identifier(element.get("id"))
    event = identifier(element.get("event")) or identifier(element.get("status"))
    return f"{call}:{event}" if call and event else None


def _item(chat: str, account: str | None, fragment: Json, *, named: str | None = None) -> Item:
    return Item(
        kind=ItemKind.SYSTEM,
        account=account,
        platform_user_id=chat,
        message_id=named or digest(fragment),
        fragment=fragment,
    )
