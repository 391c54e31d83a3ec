"""From one webhook body to its items. The gateway runs this for every webhook: keep it cheap."""

from dataclasses import dataclass
from typing import Final

from providers import meta
from providers.instagram import links, names
from providers.instagram.fields import (
    CHANGE_KEYS,
    ENTRY_KEYS,
    MESSAGING,
    OBJECT,
    OF_THE_ACCOUNT,
    STANDBY,
    WORDS,
)
from providers.protocol import Item
from providers.reading import digest, identifier
from providers.unforeseen import rest, unrecognised
from schemas.content import Json
from schemas.inputs import ItemKind

_WORDS: Final = frozenset(WORDS)
_SAID: Final = frozenset({"text", "quick_reply"})


@dataclass(slots=True)
class _Told:
    """One thing that an event tells, `word`, as `node`."""

    word: str
    node: Json
    event: Json
    account: str | None
    chat: str
    outgoing: bool
    number: int = 0

    def part(self, number: int, attachment: object) -> "_Told":
        """The message as if it had one attachment; its words go with the first."""
        node = {key: one for key, one in self.node.items() if not (number and key in _SAID)}
        node["attachments"] = [attachment]
        event = {**self.event, self.word: node}
        return _Told(self.word, node, event, self.account, self.chat, self.outgoing, number)

    def item(self, kind: ItemKind, named: str) -> Item:
        """The item of that kind and name."""
        is_notice = kind is ItemKind.SYSTEM
        kept = links.without_signatures(self.node) if is_notice else links.kept(self.node)
        event = self.event if kept is self.node else {**self.event, self.word: kept}
        fragment: Json = {"event": event}
        if self.outgoing:
            fragment["outgoing"] = True
        if self.number:
            fragment["part"] = self.number
        if is_notice:
            fragment["notice"] = self.word
        return _item(kind, self.account, self.chat, named, fragment)


def split(body: object) -> list[Item]:
    """The items of a parsed body, in its order; nothing of it is left out."""
    return meta.split(body, OBJECT, _split_entry)


def _split_entry(entry: object, found: list[Item]) -> None:
    if not isinstance(entry, dict):
        found.append(unrecognised(None, "an entry is no object", entry))
        return
    before = len(found)
    account = identifier(entry.get("id"))
    _split_lists(entry, account, found)
    if "field" in entry:  # Meta documents comments so, without `changes`
        _change({key: entry[key] for key in CHANGE_KEYS if key in entry}, account, found)
    if len(found) == before:
        found.append(unrecognised(account, "an entry without events", entry))
    elif not entry.keys() <= ENTRY_KEYS:
        found.append(rest("an entry", account, entry, ENTRY_KEYS))


def _split_lists(entry: Json, account: str | None, found: list[Item]) -> None:
    for key, read in (("messaging", _event), (STANDBY, _standby), ("changes", _change)):
        part = entry.get(key)
        if isinstance(part, list):
            for one in part:
                read(one, account, found)
        elif part is not None:
            found.append(unrecognised(account, f"{key} is no list", part))


def _change(change: object, account: str | None, found: list[Item]) -> None:
    value = change.get("value") if isinstance(change, dict) else None
    field = change.get("field") if isinstance(change, dict) else None
    if not isinstance(change, dict) or not isinstance(field, str) or value is None:
        found.append(unrecognised(account, "a change without field or value", change))
        return
    if field == STANDBY:
        _standby(value, account, found)
    elif field in MESSAGING:
        _event(value, account, found)
    elif field in OF_THE_ACCOUNT:
        fragment: Json = {"field": field, "value": links.without_signatures(value)}
        found.append(_item(ItemKind.SYSTEM, account, "", digest(fragment), fragment))
    else:
        found.append(unrecognised(account, "a change of an unknown field", change))
        return
    if not change.keys() <= CHANGE_KEYS:
        found.append(rest("a change", account, change, CHANGE_KEYS))


def _standby(event: object, account: str | None, found: list[Item]) -> None:
    """Another app has the conversation: what is said there is recorded and never answered."""
    if not isinstance(event, dict):
        found.append(unrecognised(account, "a standby event is no object", event))
        return
    chat, outgoing = names.chat_and_way(event, account)
    fragment: Json = {STANDBY: links.without_signatures(event)}
    if outgoing:
        fragment["outgoing"] = True
    found.append(_item(ItemKind.SYSTEM, account, chat or "", digest(fragment), fragment))


def _event(event: object, account: str | None, found: list[Item]) -> None:
    if not isinstance(event, dict):
        found.append(unrecognised(account, "an event is no object", event))
        return
    words = [word for word in event if word in _WORDS]
    if len(words) == 1:
        _tell(words[0], event, account, found)
        return
    for word in sorted(words, key=WORDS.index):
        _tell(word, _only(event, word), account, found)
    if not words:
        found.append(unrecognised(account, "an event of an unknown kind", event))


def _only(event: Json, word: str) -> Json:
    """The event as if it told nothing but `word`."""
    return {key: one for key, one in event.items() if key == word or key not in _WORDS}


def _tell(word: str, event: Json, account: str | None, found: list[Item]) -> None:
    chat, outgoing = names.chat_and_way(event, account)
    node = event[word]
    if chat is None or not isinstance(node, dict):
        found.append(unrecognised(account, f"a {word} without content or chat", event))
        return
    told = _Told(word, node, event, account, chat, outgoing)
    if word == "message":
        found.extend(_message(told))
    else:
        found.append(_other(told))


def _message(told: _Told) -> list[Item]:
    mid = identifier(told.node.get("mid"))
    if mid is None:
        return [unrecognised(told.account, "a message without mid", told.event)]
    if told.node.get("is_deleted") is True:
        return [told.item(ItemKind.DELETE, mid)]
    kind = ItemKind.ECHO if told.outgoing else ItemKind.MESSAGE
    attachments = told.node.get("attachments")
    if not isinstance(attachments, list) or len(attachments) < 2:
        return [told.item(kind, mid)]
    parts = (told.part(number, one) for number, one in enumerate(attachments))
    return [one.item(kind, names.of_part(mid, number)) for number, one in enumerate(parts)]


def _other(told: _Told) -> Item:
    mid = identifier(told.node.get("mid"))
    match told.word:
        case "reaction" | "message_edit" if mid is None:
            return unrecognised(told.account, f"a {told.word} without mid", told.event)
        case "reaction":
            return told.item(ItemKind.REACTION, names.of_reaction(told.event))
        case "message_edit":
            again = identifier(told.node.get("num_edit")) or identifier(told.event.get("timestamp"))
            return told.item(ItemKind.EDIT, f"{mid}:{again}")
        case "read" if mid and not told.outgoing:
            return told.item(ItemKind.STATUS, f"{mid}:read")
        case "postback" if not told.outgoing:
            return told.item(ItemKind.MESSAGE, names.of_postback(told.event))
        case _:
            return told.item(ItemKind.SYSTEM, digest(told.event))


def _item(kind: ItemKind, account: str | None, chat: str, named: str, fragment: Json) -> Item:
    return Item(
        kind=kind,
        account=account,
        platform_user_id=chat,
        message_id=named,
        fragment=fragment,
    )
