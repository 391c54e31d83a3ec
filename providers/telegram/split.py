"""From one Telegram update to its items: one, or one for each message that was deleted."""

from collections.abc import Iterable

from providers.protocol import Item
from providers.reading import clean, identifier, items, mapping
from providers.telegram import names
from providers.telegram.fields import MESSAGES, NOTICES, SERVICE, UPDATE_ID
from providers.unforeseen import unrecognised
from schemas.content import Json
from schemas.inputs import ItemKind


def split(body: object) -> list[Item]:
    """The items of a parsed update; nothing of it is left out."""
    if not isinstance(body, dict):
        return [unrecognised(None, "an update is no object", body)]
    words = [key for key in body if key != UPDATE_ID]
    if not words:
        return [unrecognised(None, "an empty update", body)]
    return [item for word in words for item in _split(word, _only(body, word, words))]


def _only(body: Json, word: str, words: list[str]) -> Json:
    """The update as it came, or where it tells several things, the one called `word`."""
    if len(words) == 1:
        return body
    return {UPDATE_ID: body.get(UPDATE_ID), word: body[word]}


def _split(word: str, update: Json) -> Iterable[Item]:
    node = update[word]
    if not isinstance(node, dict):
        return [_unknown(word, update)]
    if word in MESSAGES:
        return [_message(word, node, update)]
    if word == "callback_query":
        return [_callback(node, update)]
    if word == "message_reaction":
        return [_reaction(word, node, update)]
    if word == "deleted_business_messages":
        return _deleted(word, node, update)
    return [_notice(word, node, update) if word in NOTICES else _unknown(word, update)]


def _message(word: str, node: Json, update: Json) -> Item:
    chat, named = names.chat_of(node), names.message_of(node)
    if chat is None or named is None:
        return unrecognised(None, "a message without chat or number", update)
    kind = MESSAGES[word]
    if kind is ItemKind.EDIT:
        again = identifier(update.get(UPDATE_ID)) or identifier(node.get("edit_date"))
        return _item(kind, chat, f"{named}:{again}", update)
    if not SERVICE.isdisjoint(node):
        kind = ItemKind.SYSTEM
    elif word == "business_message":
        kind = _of_business(node)
    return _item(kind, chat, named, update)


def _of_business(node: Json) -> ItemKind:
    """Whether the customer wrote, the owner by hand, or a bot in the owner's name."""
    if node.get("sender_business_bot"):
        return ItemKind.SYSTEM
    sender = names.first_id(node.get("from"))
    is_customer = sender is None or sender == names.first_id(node.get("chat"))
    return ItemKind.MESSAGE if is_customer else ItemKind.ECHO


def _callback(node: Json, update: Json) -> Item:
    named = identifier(node.get("id"))
    chat = names.chat_of(mapping(node.get("message"))) or names.first_id(node.get("from"))
    if named is None or chat is None:
        return unrecognised(None, "a pressed button without id or chat", update)
    return _item(ItemKind.MESSAGE, chat, named, update)


def _reaction(word: str, node: Json, update: Json) -> Item:
    chat, named = names.chat_of(node), _numbered(word, update)
    if chat is None or named is None or names.message_of(node) is None:
        return unrecognised(None, "a reaction without chat or message", update)
    return _item(ItemKind.REACTION, chat, named, update)


def _deleted(word: str, node: Json, update: Json) -> Iterable[Item]:
    numbers = items(node.get("message_ids"))
    if not numbers:
        return [_unknown(word, update)]
    return [
        _deletion({UPDATE_ID: update.get(UPDATE_ID), word: {**node, "message_ids": [number]}}, node)
        for number in numbers
    ]


def _deletion(update: Json, node: Json) -> Item:
    deleted = mapping(update["deleted_business_messages"])
    chat, number = names.chat_of(node), identifier(items(deleted["message_ids"])[0])
    if chat is None or number is None:
        return unrecognised(None, "a deletion without chat or message", update)
    return _item(ItemKind.DELETE, chat, f"{chat}:{number}", update)


def _notice(word: str, node: Json, update: Json) -> Item:
    named = _numbered(word, update)
    if named is None:
        return unrecognised(None, "an update without a number", update)
    told_by = names.first_id(node.get("from"), node.get("user"))
    chat = names.chat_of(node) or identifier(node.get("user_chat_id")) or told_by
    return _item(ItemKind.SYSTEM, chat or "", named, update)


def _numbered(word: str, update: Json) -> str | None:
    number = identifier(update.get(UPDATE_ID))
    return f"{word}:{number}" if number else None


def _unknown(word: str, update: Json) -> Item:
    return unrecognised(None, f"an update of an unknown kind: {clean(word)}", update)


def _item(kind: ItemKind, chat: str, named: str, update: Json) -> Item:
    return Item(kind=kind, account=None, platform_user_id=chat, message_id=named, fragment=update)
