"""From one webhook body to its items: messages, statuses and all the rest may come together."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from providers import jids
from providers.protocol import Item
from providers.reading import digest, identifier, items, mapping
from providers.unforeseen import unrecognised
from providers.whapi import names
from providers.whapi.fields import (
    ACTIONS,
    CONTENT,
    ENVELOPE,
    NOTICES,
    STATUSES,
    WORDLESS,
)
from providers.whapi.redaction import redacted
from schemas.content import Json
from schemas.inputs import ItemKind


def split(body: object) -> list[Item]:
    """The items of a parsed body; nothing of it is left out but what no record shall hold."""
    if not isinstance(body, dict):
        return [unrecognised(None, "a body is no object", body)]
    body = redacted(body)
    account = identifier(body.get("channel_id"))
    found = [item for key in _PARTS if key in body for item in _split(key, body, account)]
    rest = {key: one for key, one in body.items() if key not in _KNOWN}
    if rest:
        found.append(unrecognised(account, "the body has unknown parts", rest))
    return found or [unrecognised(account, "nothing known in the body", body)]


def _split(key: str, body: Json, account: str | None) -> Iterable[Item]:
    part = body[key]
    read = _READERS.get(key)
    if read is None:
        elements = part if isinstance(part, list) else [part]
        return [_notice(key, one, body.get("event"), account) for one in elements]
    if isinstance(part, list):
        return [read(one, account) for one in part]
    return [unrecognised(account, f"{key} is no list", part)]


def _message(message: object, account: str | None) -> Item:
    if not isinstance(message, dict):
        return unrecognised(account, "a message is no object", message)
    named = identifier(message.get("id"))
    if named and names.is_story(message):
        return Item(
            kind=ItemKind.SYSTEM,
            account=account,
            platform_user_id="",
            message_id=named,
            fragment={"message": message},
        )
    chat = names.chat_of(message)
    if named is None or chat is None:
        return unrecognised(account, "a message without id or chat", message)
    return Item(
        kind=kind_of(message),
        account=account,
        platform_user_id=chat.platform_user_id,
        message_id=named,
        fragment={"message": message},
    )


def kind_of(message: Json) -> ItemKind:
    """What a message is about."""
    word = message.get("type")
    kind = ItemKind.MESSAGE
    if word == "action":
        kind = _kind_of_action(mapping(message.get("action")))
    elif isinstance(word, str) and word in WORDLESS:
        kind = ItemKind.SYSTEM
    is_said = kind in {ItemKind.MESSAGE, ItemKind.REACTION}
    return ItemKind.ECHO if is_said and names.is_from_me(message) else kind


def _kind_of_action(action: Json) -> ItemKind:
    word = action.get("type")
    if word == "vote" and not items(action.get("votes")):
        return ItemKind.SYSTEM  # a vote that was taken back
    return ACTIONS.get(word, ItemKind.SYSTEM) if isinstance(word, str) else ItemKind.SYSTEM


def _update(update: object, account: str | None) -> Item:
    """An action on a message is that action; otherwise what changed decides."""
    if not isinstance(update, dict):
        return unrecognised(account, "an update is no object", update)
    named, after = identifier(update.get("id")), mapping(update.get("after_update"))
    trigger = mapping(update.get("trigger"))
    chat = (
        names.chat_of(trigger)
        or names.chat_of(after)
        or names.chat_of(mapping(update.get("before_update")))
    )
    if named is None or chat is None:
        return unrecognised(account, "an update without id or chat", update)
    acted = identifier(trigger.get("id")) if trigger.get("type") == "action" else None
    if acted:
        kind, again = kind_of(trigger), acted
        fragment: Json = {"message": trigger, "target": named, "after": after}
    elif after and _is_edit(update):
        kind, again = ItemKind.EDIT, f"{named}:{digest(after)}"
        fragment = {"target": named, "after": after}
    else:
        kind, again = ItemKind.SYSTEM, f"messages_updates:{digest(update)}"
        fragment = {"notice": "messages_updates", "value": update}
    return Item(
        kind=kind,
        account=account,
        platform_user_id=chat.platform_user_id,
        message_id=again,
        fragment=fragment,
    )


def _is_edit(update: Json) -> bool:
    changes = (one for one in items(update.get("changes")) if isinstance(one, str))
    return any(one.partition(".")[0] in CONTENT for one in changes)


def _removal(removed: object, account: str | None) -> Item:
    """Whapi tells no chat with it, so that it belongs to the account as a whole."""
    named = identifier(removed)
    if named is None:
        return unrecognised(account, "a removal without id", removed)
    return Item(
        kind=ItemKind.DELETE,
        account=account,
        platform_user_id="",
        message_id=named,
        fragment={"removed": named},
    )


def _status(status: object, account: str | None) -> Item:
    if not isinstance(status, dict):
        return unrecognised(account, "a status is no object", status)
    named, word = identifier(status.get("id")), identifier(status.get("status"))
    if named is None or word is None:
        return unrecognised(account, "a status without id or word", status)
    chat = jids.read(status.get("recipient_id"))
    viewer = jids.read(status.get("viewer_id"))
    again = f"{named}:{word}"
    return Item(
        kind=ItemKind.STATUS if word in STATUSES else ItemKind.SYSTEM,
        account=account,
        platform_user_id=chat.platform_user_id if chat else "",
        message_id=f"{again}:{viewer.platform_user_id}" if viewer else again,
        fragment={"status": status},
    )


def _notice(key: str, value: object, event: object, account: str | None) -> Item:
    field = NOTICES[key]
    named = value if not field else mapping(value).get(field)
    chat = jids.read(named) if field is not None else None
    fragment: Json = {"notice": key, "value": value}
    if isinstance(event, dict):
        fragment["event"] = event
    return Item(
        kind=ItemKind.SYSTEM,
        account=account,
        platform_user_id=chat.platform_user_id if chat and not chat.is_broadcast else "",
        message_id=f"{key}:{digest(fragment)}",
        fragment=fragment,
    )


_READERS: Final[Mapping[str, Callable[[object, str | None], Item]]] = MappingProxyType(
    {
        "messages": _message,
        "messages_updates": _update,
        "messages_removed": _removal,
        "statuses": _status,
    }
)
_PARTS: Final = (*_READERS, *NOTICES)
_KNOWN: Final = ENVELOPE.union(_PARTS)
