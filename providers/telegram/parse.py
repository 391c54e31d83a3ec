"""What an item of a Telegram update says."""

from typing import Final

from providers import phones, wording
from providers.protocol import (
    Deletion,
    Edit,
    Incoming,
    Message,
    Notice,
    Unrecognised,
)
from providers.reading import detail, identifier, items, mapping, moment, text
from providers.telegram import names
from providers.telegram.content import content_of
from providers.telegram.fields import GROUPS, SERVICE, UPDATE_ID
from providers.unforeseen import unread
from schemas.content import Json, Person
from schemas.inputs import ItemKind

_PAID: Final = "\N{WHITE MEDIUM STAR}"
_ANONYMOUS: Final = Unrecognised(reason="a message without id or sender")


def parse(kind: ItemKind, fragment: Json) -> Incoming:
    """What an item says; the fragment is one that `split` made."""
    word = next((key for key in fragment if key != UPDATE_ID), "")
    node = mapping(fragment.get(word))
    match kind:
        case ItemKind.MESSAGE | ItemKind.ECHO:
            return _said(word, node, from_human=kind is ItemKind.ECHO)
        case ItemKind.REACTION:
            return _reaction(node, identifier(fragment.get(UPDATE_ID)))
        case ItemKind.EDIT:
            return _edit(node)
        case ItemKind.DELETE:
            return _deletion(node)
        case ItemKind.SYSTEM:
            return _notice(word, node)
        case ItemKind.STATUS:
            return Unrecognised(reason="Telegram tells nothing of how a message fares")
        case ItemKind.UNRECOGNISED:
            return unread(fragment)


def _said(word: str, node: Json, *, from_human: bool) -> Message | Unrecognised:
    if word == "callback_query":
        return _callback(node)
    return _message(node, from_human=from_human)


def _message(node: Json, *, from_human: bool) -> Message | Unrecognised:
    named, person = names.message_of(node), _person(node, from_human=from_human)
    if named is None or person is None:
        return _ANONYMOUS
    is_group = _is_group(node)
    return Message(
        platform_message_id=named,
        platform_timestamp=moment(node.get("date")),
        person=person,
        content=content_of(node),
        reply_to=_reply_to(node),
        speaker=_speaker(node) if is_group else None,
        is_group=is_group,
        from_human=from_human,
    )


def _is_group(node: Json) -> bool:
    return mapping(node.get("chat")).get("type") in GROUPS


def _speaker(node: Json) -> str | None:
    """Who wrote: `from` is a stand-in where somebody wrote in the name of a chat."""
    return names.first_id(node.get("sender_chat"), node.get("from"))


def _person(node: Json, *, from_human: bool) -> Person | None:
    chat = mapping(node.get("chat"))
    sender = mapping(node.get("sender_chat")) or mapping(node.get("from"))
    if from_human or not (sender and _is_group(node)):
        sender = {**({} if from_human else sender), **chat}
    return _named(sender, phone=_own_phone(node, sender))


def _named(who: Json, *, phone: str | None = None) -> Person | None:
    known_as = identifier(who.get("id"))
    if known_as is None:
        return None
    return Person(
        platform_user_id=known_as,
        phone_e164=phones.e164(phone) if phone else None,
        username=text(who.get("username")),
        first_name=text(who.get("first_name")) or text(who.get("title")),
        last_name=text(who.get("last_name")),
    )


def _own_phone(node: Json, sender: Json) -> str | None:
    """The number in a person's own card: Telegram's only way to tell a bot one's phone."""
    contact = mapping(node.get("contact"))
    owner = identifier(contact.get("user_id"))
    is_own = owner is not None and owner == identifier(sender.get("id"))
    return text(contact.get("phone_number")) if is_own else None


def _reply_to(node: Json) -> str | None:
    answered = mapping(node.get("reply_to_message"))
    if "forum_topic_created" in answered:  # every message of a topic "answers" its beginning
        return None
    number, chat = identifier(answered.get("message_id")), names.chat_of(node)
    return f"{chat}:{number}" if number and chat else None


def _callback(node: Json) -> Message | Unrecognised:
    named, person = identifier(node.get("id")), _named(mapping(node.get("from")))
    if named is None or person is None:
        return _ANONYMOUS
    shown = mapping(node.get("message"))
    is_group = _is_group(shown)
    word = "callback_query" if "data" in node else "game"
    chosen = text(node.get("data")) or text(node.get("game_short_name"))
    return Message(
        platform_message_id=named,
        platform_timestamp=None,
        person=person,
        content=wording.choice(word, chosen=chosen, title=_title(shown, chosen)),
        reply_to=names.message_of(shown),
        speaker=person.platform_user_id if is_group else None,
        is_group=is_group,
    )


def _title(shown: Json, chosen: str | None) -> str | None:
    """What stands on the button that was pressed."""
    rows = items(mapping(shown.get("reply_markup")).get("inline_keyboard"))
    buttons = (mapping(button) for row in rows for button in items(row))
    pressed = (one for one in buttons if chosen and one.get("callback_data") == chosen)
    return next((text(one.get("text")) for one in pressed), None)


def _reaction(node: Json, update_id: str | None) -> Message | Unrecognised:
    target = names.message_of(node)
    person = _named(mapping(node.get("user")) or mapping(node.get("actor_chat")))
    if target is None or person is None or update_id is None:
        return _ANONYMOUS
    emoji = "".join(_emoji(mapping(one)) for one in items(node.get("new_reaction")))
    is_group = _is_group(node)
    return Message(
        platform_message_id=f"message_reaction:{update_id}",
        platform_timestamp=moment(node.get("date")),
        person=person,
        content=wording.reaction(emoji, target),
        speaker=person.platform_user_id if is_group else None,
        is_group=is_group,
    )


def _emoji(reaction: Json) -> str:
    """A custom emoji has no character, only a number: `:5368324170671202286:`."""
    if custom := identifier(reaction.get("custom_emoji_id")):
        return f":{custom}:"
    return text(reaction.get("emoji")) or (_PAID if reaction.get("type") == "paid" else "")


def _edit(node: Json) -> Edit | Unrecognised:
    target = names.message_of(node)
    if target is None:
        return Unrecognised(reason="an edit without target")
    return Edit(target=target, content=content_of(node))


def _deletion(node: Json) -> Deletion | Unrecognised:
    numbers = items(node.get("message_ids"))
    number = identifier(numbers[0]) if numbers else None
    target = names.message_of({**node, "message_id": number})
    return Deletion(target=target) if target else Unrecognised(reason="a deletion without target")


def _notice(word: str, node: Json) -> Notice | Unrecognised:
    if not word:
        return Unrecognised(reason="a notice of nothing")
    person = _named(mapping(node.get("from")) or mapping(node.get("user")))
    service = sorted(SERVICE.intersection(node))
    if not service:
        return Notice(notice=word, detail=detail(node), person=person)
    told = {key: node[key] for key in ("chat", *service) if key in node}
    chat, after = names.chat_of(node), identifier(node.get("migrate_to_chat_id"))
    before = identifier(node.get("migrate_from_chat_id"))
    return Notice(
        notice=service[0],
        detail=detail(told),
        person=person,
        is_group=_is_group(node),
        also_known_as=tuple(name for name in (after, before) if name and name != chat),
        moved_to=after or (before and chat),
    )
