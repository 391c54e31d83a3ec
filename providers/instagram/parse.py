"""What an item of an Instagram webhook says."""

from providers.instagram import names
from providers.instagram.content import content_of, edited, pressed, reacted
from providers.instagram.fields import INBOXES, STANDBY
from providers.protocol import (
    Deletion,
    Edit,
    Incoming,
    Message,
    Notice,
    StatusReport,
    Unrecognised,
)
from providers.reading import detail, identifier, integer, items, mapping, moment, text
from providers.unforeseen import unread
from schemas.content import Content, Json, Person, Status
from schemas.inputs import ItemKind


def parse(kind: ItemKind, fragment: Json) -> Incoming:
    """What an item says; the fragment is one that `split` made."""
    event = mapping(fragment.get("event"))
    match kind:
        case ItemKind.MESSAGE | ItemKind.ECHO:
            return _message(event, fragment)
        case ItemKind.REACTION:
            return _reaction(event, fragment)
        case ItemKind.STATUS:
            return _read(event)
        case ItemKind.EDIT:
            return _edit(mapping(event.get("message_edit")))
        case ItemKind.DELETE:
            return _deletion(mapping(event.get("message")))
        case ItemKind.SYSTEM:
            return _notice(event, fragment)
        case ItemKind.UNRECOGNISED:
            return unread(fragment)


def _message(event: Json, fragment: Json) -> Message | Unrecognised:
    node = mapping(event.get("message"))
    if not node and isinstance(event.get("postback"), dict):
        return _said(names.of_postback(event), event, fragment, pressed(mapping(event["postback"])))
    mid = identifier(node.get("mid"))
    if mid is None:
        return Unrecognised(reason="a message without mid")
    part = max(0, integer(fragment.get("part")) or 0)
    return _said(names.of_part(mid, part), event, fragment, content_of(node))


def _reaction(event: Json, fragment: Json) -> Message | Unrecognised:
    node = mapping(event.get("reaction"))
    target = identifier(node.get("mid"))
    if target is None:
        return Unrecognised(reason="a reaction without mid")
    return _said(names.of_reaction(event), event, fragment, reacted(node, target))


def _said(named: str, event: Json, fragment: Json, content: Content) -> Message | Unrecognised:
    outgoing = fragment.get("outgoing") is True
    person = names.chat_of(event, outgoing=outgoing)
    if person is None:
        return Unrecognised(reason="a message without sender or recipient")
    node = mapping(event.get("message"))
    is_own = outgoing and _is_of_a_program(node)
    return Message(
        platform_message_id=named,
        platform_timestamp=moment(event.get("timestamp")),
        person=Person(platform_user_id=person),
        content=content,
        reply_to=identifier(mapping(node.get("reply_to")).get("mid")),
        from_human=outgoing and not is_own,
        is_own=is_own,
        reference=text(node.get("metadata")) if is_own else None,
    )


def _is_of_a_program(message: Json) -> bool:
    """Whether it was sent through the API: then it has an app, and ours a reference."""
    app = identifier(message.get("app_id"))
    return text(message.get("metadata")) is not None or (app is not None and app not in INBOXES)


def _read(event: Json) -> StatusReport | Unrecognised:
    mid = identifier(mapping(event.get("read")).get("mid"))
    if mid is None:
        return Unrecognised(reason="a reading without mid")
    reported_at = moment(event.get("timestamp"))
    return StatusReport(platform_message_id=mid, status=Status.READ, reported_at=reported_at)


def _edit(node: Json) -> Edit | Unrecognised:
    target, content = identifier(node.get("mid")), edited(node)
    if target is None or content is None:
        return Unrecognised(reason="an edit without mid or text")
    return Edit(target=target, content=content)


def _deletion(node: Json) -> Deletion | Unrecognised:
    target = identifier(node.get("mid"))
    if target is None:
        return Unrecognised(reason="a deletion without mid")
    return Deletion(target=target)


def _notice(event: Json, fragment: Json) -> Notice | Unrecognised:
    word, field = text(fragment.get("notice")), text(fragment.get("field"))
    if STANDBY in fragment:
        overheard = mapping(fragment[STANDBY])
        return Notice(notice=STANDBY, detail=detail(overheard), person=_with(overheard, fragment))
    if word is not None:
        return Notice(notice=word, detail=detail(event.get(word)), person=_with(event, fragment))
    if field is None:
        return Unrecognised(reason="a notice without a field")
    value = fragment.get("value")
    told = {"values": items(value)} if isinstance(value, list) else value
    return Notice(notice=field, detail=detail(told))


def _with(event: Json, fragment: Json) -> Person | None:
    person = names.chat_of(event, outgoing=fragment.get("outgoing") is True)
    return None if person is None else Person(platform_user_id=person)
