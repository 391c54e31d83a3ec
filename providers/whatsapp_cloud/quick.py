"""The items of the commonest bodies, read no deeper than an item needs.

Nearly all bodies are one message or one status in a known frame. Their frame is decoded into
types and the message itself is passed on as it was written, for half of what it costs to parse
it and write it again. Whatever is not exactly so is left to `split`: the tests hold both to the
same items.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType
from msgspec import field as made_by
from msgspec.json import Decoder

from providers.protocol import Item
from providers.reading import identifier
from providers.whatsapp_cloud.fields import HOLDING_URLS, MESSAGE_KINDS, OBJECT, STATUSES
from schemas.content import Json
from schemas.inputs import ItemKind

_FIELD: Final = "messages"
_GROUP: Final = "group"
_MESSAGE: Final = ItemKind.MESSAGE


class _Frame(Struct, forbid_unknown_fields=True, gc=False):
    """What surrounds messages; anything unknown in it is for `split` to see."""


class _Metadata(_Frame):
    display_phone_number: str
    phone_number_id: str


class _Value(_Frame):
    messaging_product: Raw
    metadata: _Metadata
    contacts: list[Raw] = made_by(default_factory=list)
    messages: list[Raw] = made_by(default_factory=list)
    statuses: list[Raw] = made_by(default_factory=list)


class _Change(_Frame):
    field: str
    value: _Value


class _Entry(_Frame):
    id: str
    changes: list[_Change]
    time: Raw | UnsetType = UNSET


class _Body(_Frame):
    object: str
    entry: list[_Entry]


class _Message(Struct, gc=False, rename={"sender": "from"}):
    id: str
    sender: str
    type: str
    from_user_id: str | UnsetType = UNSET
    group_id: Raw | UnsetType = UNSET


class _Status(Struct, gc=False):
    id: str
    status: str
    recipient_id: str
    recipient_type: str = ""


class _Contact(Struct, gc=False):
    wa_id: str
    user_id: str | UnsetType = UNSET


_body: Final = Decoder(_Body).decode
_message: Final = Decoder(_Message).decode
_status: Final = Decoder(_Status).decode
_contact: Final = Decoder(_Contact).decode


class _Uncommon(Exception):
    """`split` must read this body."""


def quick(body: bytes) -> Sequence[Item] | None:
    """What `split` would make of a common body, None where that is not certain."""
    if not _is_text(body):
        return None
    try:
        return _items(_body(body))
    except (DecodeError, RecursionError, _Uncommon):
        return None


def _is_text(body: bytes) -> bool:
    """Whether it is UTF-8; what is passed on as it is, nobody checks later."""
    if body.isascii():
        return True
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _items(body: _Body) -> Sequence[Item]:
    if body.object != OBJECT or not body.entry or not all(one.changes for one in body.entry):
        raise _Uncommon
    found: list[Item] = []
    for entry in body.entry:
        for change in entry.changes:
            _read(change, found)
    return found


def _read(change: _Change, found: list[Item]) -> None:
    value, before = change.value, len(found)
    if change.field != _FIELD:
        raise _Uncommon
    account = _id(value.metadata.phone_number_id)
    people = _people(value.contacts)
    found += [_message_item(one, account, value.metadata, people) for one in value.messages]
    found += [_status_item(one, account) for one in value.statuses]
    if len(found) == before:
        raise _Uncommon


def _message_item(raw: Raw, account: str, metadata: _Metadata, people: dict[str, Raw]) -> Item:
    head = _message(raw)
    if head.group_id is not UNSET or head.type in HOLDING_URLS:
        raise _Uncommon
    fragment: Json = {"message": raw, "metadata": metadata}
    contact = people.get(head.sender)
    if head.from_user_id is not UNSET:
        contact = contact or people.get(_id(head.from_user_id))
    if contact is not None:
        fragment["contact"] = contact
    return Item(
        kind=MESSAGE_KINDS.get(head.type, _MESSAGE),
        account=account,
        platform_user_id=_id(head.sender),
        message_id=_id(head.id),
        fragment=fragment,
    )


def _status_item(raw: Raw, account: str) -> Item:
    head = _status(raw)
    if head.recipient_type == _GROUP:
        raise _Uncommon
    word = _id(head.status)
    return Item(
        kind=ItemKind.STATUS if word in STATUSES else ItemKind.SYSTEM,
        account=account,
        platform_user_id=_id(head.recipient_id),
        message_id=f"{_id(head.id)}:{word}",
        fragment={"status": raw},
    )


def _people(contacts: Sequence[Raw]) -> dict[str, Raw]:
    people: dict[str, Raw] = {}
    for raw in contacts:
        head = _contact(raw)
        if head.user_id is not UNSET:
            people.setdefault(_id(head.user_id), raw)
        people[_id(head.wa_id)] = raw
    return people


def _id(value: str) -> str:
    known = identifier(value)
    if known is None:
        raise _Uncommon
    return known
