"""From one webhook body to its items. The gateway runs this for every webhook: keep it cheap."""

from dataclasses import dataclass
from typing import Final

from providers import meta
from providers.protocol import Item
from providers.reading import identifier, items, mapping
from providers.unforeseen import rest, unrecognised
from providers.whatsapp_cloud import notices
from providers.whatsapp_cloud.fields import (
    CHANGE_KEYS,
    ECHO_KINDS,
    ENTRY_KEYS,
    HOLDING_URLS,
    MEDIA,
    MESSAGE_KINDS,
    OBJECT,
    OF_THE_ACCOUNT,
    PERSONAL,
    STATUSES,
    VALUE_KEYS,
)
from schemas.content import Json
from schemas.inputs import ItemKind

_GROUP: Final = "group"
_MESSAGE: Final = ItemKind.MESSAGE
_ECHO: Final = ItemKind.ECHO


@dataclass(slots=True)
class Around:
    """What stands around the messages of one change."""

    account: str | None
    metadata: Json
    people: dict[str, Json]
    errors: object
    field: object


def split(body: object) -> list[Item]:
    """The items of a parsed body, in its order; nothing of it is left out."""
    return meta.split(body, OBJECT, _split_entry)


def _split_entry(entry: object, found: list[Item]) -> None:
    if not isinstance(entry, dict):
        found.append(unrecognised(None, "an entry is no object", entry))
        return
    before = len(found)
    account = identifier(entry.get("id"))
    for change in items(entry.get("changes")):
        _split_change(change, entry, account, found)
    if len(found) == before:
        found.append(unrecognised(account, "an entry without changes", entry))
    elif not entry.keys() <= ENTRY_KEYS:
        found.append(rest("an entry", account, entry, ENTRY_KEYS))


def _split_change(change: object, entry: Json, account: str | None, found: list[Item]) -> None:
    if not isinstance(change, dict) or not isinstance(change.get("value"), dict):
        found.append(unrecognised(account, "a change has no value", change))
        return
    value = change["value"]
    field = change.get("field")
    metadata = mapping(value.get("metadata"))
    around = Around(
        identifier(metadata.get("phone_number_id")) or account,
        metadata,
        _people(value.get("contacts")),
        value.get("errors"),
        field,
    )
    if isinstance(field, str) and (field in PERSONAL or field in OF_THE_ACCOUNT):
        found.extend(notices.split(field, value, entry, around.account, around.people))
    else:
        _split_value(value, around, found)
    if not change.keys() <= CHANGE_KEYS:
        found.append(rest("a change", around.account, change, CHANGE_KEYS))


def _split_value(value: Json, around: Around, found: list[Item]) -> None:
    before = len(found)
    for key, read in (
        ("messages", _message),
        ("statuses", _status),
        ("message_echoes", _echo),
    ):
        part = value.get(key)
        if isinstance(part, list):
            for one in part:
                found.append(read(one, around))  # noqa: PERF401  # a generator costs more for one
        elif part is not None:
            found.append(unrecognised(around.account, f"{key} is no list", part))
    if around.errors and not (value.get("messages") or value.get("message_echoes")):
        found.append(notices.errors(around.errors, around.account))
    if len(found) == before:
        reason = f"nothing known in a change of {identifier(around.field)}"
        found.append(unrecognised(around.account, reason, {"field": around.field, "value": value}))
    elif not value.keys() <= VALUE_KEYS:
        found.append(rest("a value", around.account, value, VALUE_KEYS))


def _people(contacts: object) -> dict[str, Json]:
    """The contacts by each of their ids; a phone wins over another's business-scoped id."""
    people: dict[str, Json] = {}
    for contact in items(contacts):
        if isinstance(contact, dict):
            phone, user_id = identifier(contact.get("wa_id")), identifier(contact.get("user_id"))
            if user_id:
                people.setdefault(user_id, contact)
            if phone:
                people[phone] = contact
    return people


def _message(message: object, around: Around) -> Item:
    if not isinstance(message, dict):
        return unrecognised(around.account, "a message is no object", message)
    message_id = identifier(message.get("id"))
    phone = identifier(message.get("from"))
    user_id = identifier(message.get("from_user_id"))
    contact = around.people.get(phone or user_id or "") or around.people.get(user_id or "")
    if contact is None and phone is None and user_id is None:
        contact, user_id = _only_person(around)
    chat = identifier(message.get("group_id")) or phone or _phone_of(contact) or user_id
    if message_id is None or chat is None:
        return unrecognised(around.account, "a message without id or sender", message)
    word = message.get("type")
    return Item(
        kind=MESSAGE_KINDS.get(word, _MESSAGE) if isinstance(word, str) else _MESSAGE,
        account=around.account,
        platform_user_id=chat,
        message_id=message_id,
        fragment=_fragment("message", message, contact, around),
    )


def _echo(echo: object, around: Around) -> Item:
    if not isinstance(echo, dict):
        return unrecognised(around.account, "an echo is no object", echo)
    message_id = identifier(echo.get("id"))
    customer = customer_of(echo, around.metadata)
    if message_id is None or customer is None:
        return unrecognised(around.account, "an echo without id or recipient", echo)
    contact = around.people.get(customer)
    contact = contact or around.people.get(identifier(echo.get("to_user_id")) or "")
    word = echo.get("type")
    return Item(
        kind=ECHO_KINDS.get(word, _ECHO) if isinstance(word, str) else _ECHO,
        account=around.account,
        platform_user_id=identifier(echo.get("group_id")) or customer,
        message_id=message_id,
        fragment=_fragment("echo", echo, contact, around),
    )


def customer_of(echo: Json, metadata: Json) -> str | None:
    """Whom the business wrote to: the end of an echo that is not the business's own number."""
    to, sender = identifier(echo.get("to")), identifier(echo.get("from"))
    own = identifier(metadata.get("display_phone_number"))
    if to is not None and to == own and sender not in {None, own}:
        return sender
    return to or identifier(echo.get("to_user_id"))


def _status(status: object, around: Around) -> Item:
    if not isinstance(status, dict):
        return unrecognised(around.account, "a status is no object", status)
    message_id, word = identifier(status.get("id")), identifier(status.get("status"))
    chat = identifier(status.get("recipient_id")) or identifier(status.get("recipient_user_id"))
    if message_id is None or word is None or chat is None:
        return unrecognised(around.account, "a status without id, word or recipient", status)
    named = f"{message_id}:{word}"
    if status.get("recipient_type") == _GROUP:
        named = f"{named}:{_participant(status)}"
    return Item(
        kind=ItemKind.STATUS if word in STATUSES else ItemKind.SYSTEM,
        account=around.account,
        platform_user_id=chat,
        message_id=named,
        fragment={"status": status},
    )


def _participant(status: Json) -> str | None:
    phone = identifier(status.get("recipient_participant_id"))
    return phone or identifier(status.get("recipient_participant_user_id"))


def _only_person(around: Around) -> tuple[Json | None, str | None]:
    """The contact of a message that names no sender, where there is just one."""
    contacts = list({id(contact): contact for contact in around.people.values()}.values())
    if len(contacts) != 1:
        return None, None
    return contacts[0], identifier(contacts[0].get("user_id"))


def _phone_of(contact: Json | None) -> str | None:
    return None if contact is None else identifier(contact.get("wa_id"))


def _fragment(name: str, message: Json, contact: Json | None, around: Around) -> Json:
    word = message.get("type")
    if isinstance(word, str) and word in HOLDING_URLS:
        message = _without_urls(message, word)
    fragment: Json = {name: message, "metadata": around.metadata}
    if contact is not None:
        fragment["contact"] = contact
    if around.errors:
        fragment["errors"] = around.errors
    return fragment


def _without_urls(message: Json, word: str) -> Json:
    """The message without the signed URLs of its files: whoever has one can use it."""
    node = message.get(word)
    if not isinstance(node, dict):
        return message
    if word in MEDIA:
        return {**message, word: {key: one for key, one in node.items() if key != "url"}}
    edited = node.get("message")
    inner = edited.get("type") if isinstance(edited, dict) else None
    if not isinstance(edited, dict) or not isinstance(inner, str) or inner not in MEDIA:
        return message
    return {**message, word: {**node, "message": _without_urls(edited, inner)}}
