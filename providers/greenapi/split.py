"""From one Green API webhook to its item; the server resends one that is refused, and waits."""

from typing import Final

from providers import jids
from providers.greenapi import names
from providers.greenapi.fields import KINDS, MESSAGES, NOTICES, REACTION, STATUS, STATUSES
from providers.greenapi.redaction import redacted
from providers.protocol import Item
from providers.reading import clean, digest, identifier, mapping, text
from providers.unforeseen import unrecognised
from schemas.content import Json
from schemas.inputs import ItemKind

_TYPE: Final = "typeWebhook"


def split(body: object) -> list[Item]:
    """The item of a parsed body, which may come as polling wraps it."""
    if not isinstance(body, dict):
        return [unrecognised(None, "a webhook is no object", redacted(body))]
    body = redacted(body)
    inside = body.get("body")
    if _TYPE not in body and isinstance(inside, dict):
        return [_item(inside)]
    return [_item(body)]


def _item(event: Json) -> Item:
    word = text(event.get(_TYPE))
    if word in MESSAGES:
        return _message(event)
    if word == STATUS:
        return _status(event)
    if word in NOTICES:
        return _notice(event)
    reason = f"a webhook of an unknown kind: {clean(word)}" if word else "a webhook of no kind"
    return unrecognised(names.account_of(event), reason, event)


def _message(event: Json) -> Item:
    data = mapping(event.get("messageData"))
    chat = names.chat_of(event)
    if chat is None or not data:
        reason = "a message without chat or content"
        return unrecognised(names.account_of(event), reason, event)
    if chat.is_broadcast:
        return _made(ItemKind.SYSTEM, "", names.message_of(event), event)
    word = text(data.get("typeMessage")) or ""
    if word == REACTION and names.quoted(data) is None:
        return unrecognised(names.account_of(event), "a reaction to nothing", event)
    return _made(_kind(word, event), chat.platform_user_id, names.message_of(event), event)


def _kind(word: str, event: Json) -> ItemKind:
    ordinary = ItemKind.ECHO if names.is_outgoing(event) else ItemKind.MESSAGE
    kind = KINDS.get(word, ordinary)
    return ordinary if kind is ItemKind.REACTION and names.is_outgoing(event) else kind


def _status(event: Json) -> Item:
    word, named = identifier(event.get("status")), identifier(event.get("idMessage"))
    chat = jids.read(event.get("chatId"))
    if word is None or named is None or chat is None:
        reason = "a status without message, chat or word"
        return unrecognised(names.account_of(event), reason, event)
    kind = ItemKind.STATUS if word in STATUSES else ItemKind.SYSTEM
    return _made(kind, chat.platform_user_id, f"{named}:{word}", event)


def _notice(event: Json) -> Item:
    chat = names.subject_of(event)
    named, word = identifier(event.get("idMessage")), identifier(event.get("status"))
    message_id = f"{named}:{word}" if named and word else named or digest(event)
    return _made(ItemKind.SYSTEM, chat.platform_user_id if chat else "", message_id, event)


def _made(kind: ItemKind, chat: str, named: str, event: Json) -> Item:
    account = names.account_of(event)
    return Item(kind=kind, account=account, platform_user_id=chat, message_id=named, fragment=event)
