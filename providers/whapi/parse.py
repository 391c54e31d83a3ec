"""What an item of a Whapi webhook says."""

from typing import Final

from providers.jids import Jid
from providers.protocol import (
    Deletion,
    Edit,
    Incoming,
    Message,
    Notice,
    StatusReport,
    Unrecognised,
)
from providers.reading import detail, identifier, items, mapping, moment, text
from providers.unforeseen import unread
from providers.whapi import names
from providers.whapi.content import content_of, edited
from providers.whapi.fields import OURS, STATUSES
from schemas.content import Json, Person, Status
from schemas.inputs import ItemKind

_ANONYMOUS: Final = Unrecognised(reason="a message without id or chat")
_OF_A_STORY: Final = ("id", "chat_id", "from", "from_name", "from_me", "source", "timestamp")


def parse(kind: ItemKind, fragment: Json) -> Incoming:
    """What an item says; the fragment is one that `split` made."""
    match kind:
        case ItemKind.MESSAGE | ItemKind.ECHO | ItemKind.REACTION:
            return _message(mapping(fragment.get("message")), identifier(fragment.get("target")))
        case ItemKind.STATUS:
            return _status(mapping(fragment.get("status")))
        case ItemKind.EDIT:
            return _edit(fragment)
        case ItemKind.DELETE:
            return _deletion(fragment)
        case ItemKind.SYSTEM:
            return _notice(fragment)
        case ItemKind.UNRECOGNISED:
            return unread(fragment)


def _message(message: Json, target: str | None) -> Message | Unrecognised:
    named, chat = identifier(message.get("id")), names.chat_of(message)
    if named is None or chat is None:
        return _ANONYMOUS
    is_own = names.is_from_me(message) and identifier(message.get("source")) in OURS
    speaker = names.speaker_of(message) if chat.is_group else None
    return Message(
        platform_message_id=named,
        platform_timestamp=moment(message.get("timestamp")),
        person=_person(message, chat),
        content=content_of(message, target=target),
        reply_to=_reply_to(message, target),
        speaker=None if speaker is None else speaker.platform_user_id,
        is_group=chat.is_group,
        from_human=names.is_from_me(message) and not is_own,
        is_own=is_own,
        also_known_as=names.aliases(message),
    )


def _person(message: Json, chat: Jid) -> Person:
    """Who wrote; where the business did, the one whom it wrote to."""
    who, called = chat, text(message.get("chat_name"))
    if not names.is_from_me(message):
        who = (names.speaker_of(message) if chat.is_group else None) or chat
        called = text(message.get("from_name")) or (called if who is chat else None)
    return Person(
        platform_user_id=who.platform_user_id,
        phone_e164=who.phone,
        first_name=called,  # WhatsApp tells one name, not its parts
    )


def _reply_to(message: Json, target: str | None) -> str | None:
    quoted = identifier(mapping(message.get("context")).get("quoted_id"))
    action = mapping(message.get("action"))
    if quoted or not action or action.get("type") == "reaction":
        return quoted
    return identifier(action.get("target")) or target


def _status(status: Json) -> StatusReport | Unrecognised:
    named, word = identifier(status.get("id")), text(status.get("status"))
    if named is None or word not in STATUSES:
        return Unrecognised(reason="a status without id or known word")
    error = mapping(next(iter(items(status.get("errors"))), None))
    said = text(error.get("details")) or text(error.get("message")) or text(status.get("reason"))
    return StatusReport(
        platform_message_id=named,
        status=Status(word),
        reported_at=moment(status.get("timestamp")),
        error_code=identifier(error.get("code")),
        error_message=said,
    )


def _edit(fragment: Json) -> Edit | Unrecognised:
    action = mapping(mapping(fragment.get("message")).get("action"))
    target = identifier(action.get("target")) or identifier(fragment.get("target"))
    after = mapping(fragment.get("after"))
    if target is None:
        return Unrecognised(reason="an edit without target")
    content = edited(action, target) or (content_of({**after, "id": target}) if after else None)
    if content is None:
        return Unrecognised(reason="an edit without content")
    return Edit(target=target, content=content)


def _deletion(fragment: Json) -> Deletion | Unrecognised:
    action = mapping(mapping(fragment.get("message")).get("action"))
    target = (
        identifier(fragment.get("removed"))
        or identifier(action.get("target"))
        or identifier(fragment.get("target"))
    )
    return Deletion(target=target) if target else Unrecognised(reason="a deletion without target")


def _notice(fragment: Json) -> Notice | Unrecognised:
    message, status = mapping(fragment.get("message")), mapping(fragment.get("status"))
    if message:
        return _of_message(message)
    if status:
        return Notice(notice=f"status:{text(status.get('status'))}", detail=detail(status))
    word = text(fragment.get("notice"))
    if word is None:
        return Unrecognised(reason="a notice of nothing")
    event, value = mapping(fragment.get("event")), fragment.get("value")
    method = text(event.get("event")) or text(event.get("method"))
    told = value if isinstance(value, dict) else {"value": value}
    return Notice(notice=f"{word}.{method}" if method else word, detail=detail(told))


def _of_message(message: Json) -> Notice:
    if names.is_story(message):
        told = {key: message[key] for key in _OF_A_STORY if key in message}
        return Notice(notice="story", detail=detail(told))
    word = text(message.get("type")) or "none"
    if word == "action":
        word = f"action:{text(mapping(message.get('action')).get('type'))}"
    chat = names.chat_of(message)
    is_group = chat is not None and chat.is_group
    return Notice(notice=word, detail=detail(message), is_group=is_group)
