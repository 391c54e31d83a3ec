"""From one Evolution webhook to its items. What enters an item has been redacted before."""

from collections.abc import Callable
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from providers import jids
from providers.evolution import go, names, notices, quantities, updates
from providers.evolution.content import unwrapped, word_of
from providers.evolution.fields import (
    DELETED,
    EDIT_TYPES,
    EDITED,
    HISTORY,
    OWN,
    REVOKE_TYPES,
    SERVICE,
    UPDATED,
    WRITTEN,
)
from providers.evolution.redaction import is_plain_body, keys_of, redacted, redacted_object, sifted
from providers.jids import Jid
from providers.protocol import Item
from providers.reading import digest, identifier, items, mapping, text
from providers.unforeseen import unrecognised
from schemas import codec
from schemas.content import Json
from schemas.inputs import ItemKind
from schemas.value import Value


class Around(Value, frozen=True, kw_only=True):
    """What stands around the data of a webhook."""

    event: str
    account: str | None
    keys: tuple[str, ...]
    own: object
    at: str | None
    is_plain: bool


def read(raw: bytes) -> list[Item]:
    """The items of a body as it came."""
    body = codec.loads(raw)
    return split(body, is_plain=isinstance(body, dict) and is_plain_body(raw, keys_of(body)))


def split(body: object, *, is_plain: bool = False) -> list[Item]:
    """The items of a parsed body, in its order; of a plain one for less."""
    if not isinstance(body, dict):
        return [unrecognised(None, "a webhook is no object", redacted(body))]
    around = _around(body, is_plain=is_plain)
    if not around.event or "data" not in body:
        reason = "no event" if not around.event else "an event without data"
        return [unrecognised(around.account, reason, redacted(body, around.keys))]
    read = _READERS.get(around.event)
    if read is None:
        return notices.split(around, body["data"])
    elements = go.receipts(body) or _elements(body["data"])
    if not elements:
        return notices.split(around, body["data"])
    return [_read(read, one, around) for one in elements] + _rest(around, body["data"])


def _around(body: Json, *, is_plain: bool) -> Around:
    return Around(
        event=_normalised((text(body.get("event")) or "")[:_LONGEST_EVENT]),
        account=_account(body),
        keys=keys_of(body),
        own=body.get("sender"),
        at=identifier(body.get("date_time")),
        is_plain=is_plain,
    )


@lru_cache(512)
def _normalised(event: str) -> str:
    """`messages.upsert`, also of `MESSAGES_UPSERT` and `messages-upsert`."""
    return event.lower().replace("_", ".").replace("-", ".")


def _account(body: Json) -> str | None:
    told = body.get("instance")
    if isinstance(told, dict):
        told = told.get("instanceName") or told.get("name")
    return identifier(told) or go.account_of(body)


def _elements(data: object) -> list[object]:
    if isinstance(data, dict) and isinstance(data.get("messages"), list):
        return items(data["messages"])
    return data if isinstance(data, list) else [data]


def _rest(around: Around, data: object) -> list[Item]:
    """What an import tells beside its messages."""
    if not isinstance(data, dict) or not isinstance(data.get("messages"), list):
        return []
    rest = {name: one for name, one in data.items() if name != "messages" and one}
    is_telling = any(isinstance(one, dict | list) for one in rest.values())
    return notices.split(around, rest) if is_telling else []


Reader = Callable[[Json, Around], Item | None]


def _read(read: Reader, element: object, around: Around) -> Item:
    data = mapping(sifted(element)) if around.is_plain else redacted_object(element, around.keys)
    found = read(data, around) if data else None
    if found is None:
        reason = f"nothing known in {around.event}"
        return unrecognised(around.account, reason, redacted(element, around.keys))
    return found


def _written(data: Json, around: Around) -> Item | None:
    said = go.as_message(data)
    key = mapping(said.get("key"))
    named, chat = names.message_of(key), names.chat_of(key)
    if named is None or chat is None:
        return None
    if chat.is_broadcast:
        return _item(ItemKind.SYSTEM, "", named, data, around)
    inner = unwrapped(said.get("message"))
    word = word_of(inner)
    if word == "protocolMessage":
        return _protocol(mapping(inner[word]), chat, named, data, around)
    kind = _kind(word, is_ours=around.event in OWN or names.is_from_me(key))
    return _item(kind, chat.platform_user_id, named, data, around)


def _kind(word: str, *, is_ours: bool) -> ItemKind:
    if not word or word in SERVICE:
        return ItemKind.SYSTEM
    if is_ours:
        return ItemKind.ECHO
    return ItemKind.REACTION if word == "reactionMessage" else ItemKind.MESSAGE


def _protocol(told: Json, chat: Jid, outer: str, data: Json, around: Around) -> Item:
    """An edit or a deletion is named by its target: it may be told twice, in other words."""
    kind, target = protocol_kind(told), names.message_of(mapping(told.get("key")))
    if kind is ItemKind.SYSTEM or target is None:
        return _item(ItemKind.SYSTEM, chat.platform_user_id, outer, data, around)
    named = target if kind is ItemKind.DELETE else _edit_name(target, told)
    return _item(kind, chat.platform_user_id, named, data, around)


def protocol_kind(told: Json) -> ItemKind:
    """What a protocol message is about."""
    word = (identifier(told.get("type")) or "").upper()
    if word in EDIT_TYPES and mapping(told.get("editedMessage")):
        return ItemKind.EDIT
    return ItemKind.DELETE if word in REVOKE_TYPES else ItemKind.SYSTEM


def _edit_name(target: str, told: Json) -> str:
    again = quantities.whole(told.get("timestampMs")) or digest(told.get("editedMessage"))
    return f"{target}:{again}"


def _edited(data: Json, around: Around) -> Item | None:
    """The key is as the editor sees it: a customer's names the business as the chat.

    Whose message it was cannot be told then; the edit is kept as a notice of the account.
    """
    key = mapping(data.get("key"))
    chat, own = names.chat_of(key), jids.read(around.own)
    named = names.message_of(key)
    if named is None or chat is None:
        return None
    if chat == own:
        return _item(ItemKind.SYSTEM, "", digest(data), data, around)
    return _protocol(data, chat, digest(data), data, around)


def _deleted(data: Json, around: Around) -> Item | None:
    key = mapping(data.get("key")) or data
    named, chat = names.message_of(key), names.chat_of(key)
    if named is None or chat is None:
        return None
    return _item(ItemKind.DELETE, chat.platform_user_id, named, data, around)


def _updated(data: Json, around: Around) -> Item | None:
    update = updates.read(data)
    chat, target = names.chat_of(update.key), names.message_of(update.key)
    named = updates.name_of(update)
    if chat is None or target is None or named is None:
        return None
    match update.kind:
        case ItemKind.DELETE:
            named = target
        case ItemKind.EDIT:
            named = f"{target}:{updates.changed_at(update) or digest(update.new_content)}"
        case ItemKind.SYSTEM:
            named = f"{named}:{digest(update.told)}"
        case _:
            pass
    return _item(update.kind, chat.platform_user_id, named, data, around)


def _item(kind: ItemKind, chat: str, named: str, data: Json, around: Around) -> Item:
    return Item(
        kind=kind,
        account=around.account,
        platform_user_id=chat,
        message_id=named,
        fragment={"event": around.event, "instance": around.account, "data": data},
    )


_LONGEST_EVENT: Final = 100
_READERS: Final = MappingProxyType[str, Reader](
    dict.fromkeys(WRITTEN | OWN | HISTORY, _written)
    | dict.fromkeys(EDITED, _edited)
    | dict.fromkeys(DELETED, _deleted)
    | dict.fromkeys(UPDATED, _updated)
)
