"""What an item of a WhatsApp webhook says."""

from typing import Final

from providers import phones
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
from providers.whatsapp_cloud import notices
from providers.whatsapp_cloud.content import content_of
from providers.whatsapp_cloud.fields import STATUSES
from providers.whatsapp_cloud.split import customer_of
from schemas.content import Json, Person, Status
from schemas.inputs import ItemKind

_RENAMED: Final = "user_id_update"
_MOVED: Final = frozenset(
    {"user_changed_number", "customer_changed_number", "user_changed_user_id"}
)
_ANONYMOUS: Final = Unrecognised(reason="a message without id or sender")


def parse(kind: ItemKind, fragment: Json) -> Incoming:
    """What an item says; the fragment is one that `split` made."""
    match kind:
        case ItemKind.MESSAGE | ItemKind.REACTION:
            return _message(fragment)
        case ItemKind.ECHO:
            return _echo(fragment)
        case ItemKind.STATUS:
            return _status(mapping(fragment.get("status")))
        case ItemKind.EDIT:
            return _edit(_of_either(fragment))
        case ItemKind.DELETE:
            return _deletion(_of_either(fragment))
        case ItemKind.SYSTEM:
            return _notice(fragment)
        case ItemKind.UNRECOGNISED:
            return unread(fragment)


def _of_either(fragment: Json) -> Json:
    return mapping(fragment.get("message")) or mapping(fragment.get("echo"))


def _message(fragment: Json) -> Message | Unrecognised:
    message, contact = mapping(fragment.get("message")), mapping(fragment.get("contact"))
    message_id = identifier(message.get("id"))
    user_id = identifier(message.get("from_user_id"))
    person = _person(contact, phone=identifier(message.get("from")), user_id=user_id)
    if message_id is None or person is None:
        return _ANONYMOUS
    is_group = identifier(message.get("group_id")) is not None
    return Message(
        platform_message_id=message_id,
        platform_timestamp=moment(message.get("timestamp")),
        person=person,
        content=content_of(message, fragment.get("errors")),
        reply_to=_reply_to(message),
        speaker=person.platform_user_id if is_group else None,
        is_group=is_group,
        also_known_as=() if is_group else _names(person, user_id, contact.get("user_id")),
    )


def _names(person: Person, *ids: object) -> tuple[str, ...]:
    """The ids that are others than the one the person's chat goes by."""
    if not any(ids):
        return ()
    named = dict.fromkeys(identifier(one) for one in ids)
    return tuple(one for one in named if one and one != person.platform_user_id)


def _echo(fragment: Json) -> Message | Unrecognised:
    echo, contact = mapping(fragment.get("echo")), mapping(fragment.get("contact"))
    message_id = identifier(echo.get("id"))
    phone = customer_of(echo, mapping(fragment.get("metadata")))
    user_id = identifier(echo.get("to_user_id"))
    person = _person(contact, phone=phone, user_id=user_id)
    if message_id is None or person is None:
        return _ANONYMOUS
    is_group = identifier(echo.get("group_id")) is not None
    to_customer = identifier(echo.get("to")) in {None, person.platform_user_id}
    of_customer = (user_id if to_customer else None, contact.get("user_id"))
    return Message(
        platform_message_id=message_id,
        platform_timestamp=moment(echo.get("timestamp")),
        person=person,
        content=content_of(echo, fragment.get("errors")),
        reply_to=_reply_to(echo),
        is_group=is_group,
        from_human=True,
        also_known_as=() if is_group else _names(person, *of_customer),
    )


def _person(contact: Json, *, phone: str | None, user_id: str | None) -> Person | None:
    phone = phone or identifier(contact.get("wa_id"))
    known_as = phone or user_id or identifier(contact.get("user_id"))
    if known_as is None:
        return None
    profile = mapping(contact.get("profile"))
    return Person(
        platform_user_id=known_as,
        phone_e164=phones.e164(phone) if phone else None,
        username=text(profile.get("username")) or text(contact.get("username")),
        first_name=text(profile.get("name")),  # WhatsApp tells one name, not its parts
    )


def _reply_to(message: Json) -> str | None:
    context = message.get("context")
    return identifier(context.get("id")) if isinstance(context, dict) else None


def _status(status: Json) -> StatusReport | Unrecognised:
    message_id, word = identifier(status.get("id")), text(status.get("status"))
    if message_id is None or word not in STATUSES:
        return Unrecognised(reason="a status without id or known word")
    error = mapping(next(iter(items(status.get("errors"))), None))
    return StatusReport(
        platform_message_id=message_id,
        status=Status(word),
        reported_at=moment(status.get("timestamp")),
        reference=text(status.get("biz_opaque_callback_data")),
        error_code=identifier(error.get("code")),
        error_message=_said(error),
    )


def _said(error: Json) -> str | None:
    details = text(mapping(error.get("error_data")).get("details"))
    return details or text(error.get("message")) or text(error.get("title"))


def _edit(message: Json) -> Edit | Unrecognised:
    node = mapping(message.get("edit"))
    target = identifier(node.get("original_message_id"))
    edited = mapping(node.get("message"))
    if target is None or not edited:
        return Unrecognised(reason="an edit without target or content")
    return Edit(target=target, content=content_of(edited))


def _deletion(message: Json) -> Deletion | Unrecognised:
    target = identifier(mapping(message.get("revoke")).get("original_message_id"))
    if target is None:
        return Unrecognised(reason="a revocation without target")
    return Deletion(target=target)


def _notice(fragment: Json) -> Notice | Unrecognised:
    message = mapping(fragment.get("message"))
    if message:
        return _system_message(message, mapping(fragment.get("contact")))
    status = mapping(fragment.get("status"))
    if status:
        return Notice(notice=f"status:{text(status.get('status'))}", detail=detail(status))
    field = text(fragment.get("field"))
    if field is None:
        return Unrecognised(reason="a notice without a field")
    person = _person(mapping(fragment.get("contact")), phone=None, user_id=None)
    told = mapping(fragment.get("value"))
    if fragment.get("errors"):
        told = {**told, "errors": fragment["errors"]}
    if field == _RENAMED:
        return _renamed(detail(told), mapping(fragment.get("contact")), person)
    return Notice(notice=field, detail=detail(told), person=person)


def _renamed(told: Json, contact: Json, person: Person | None) -> Notice:
    """A business-scoped id was replaced by another; where there is a phone, it is the address."""
    ids, chat = mapping(told.get("user_id")), notices.person_of(told)
    before, after = identifier(ids.get("previous")), identifier(ids.get("current"))
    named = dict.fromkeys((before, after, identifier(contact.get("wa_id"))))
    return Notice(
        notice=_RENAMED,
        detail=told,
        person=person,
        also_known_as=tuple(one for one in named if one and one != chat),
        moved_to=after if chat == before else None,
    )


def _system_message(message: Json, contact: Json) -> Notice:
    word = text(message.get("type")) or "system"
    node = mapping(message.get(word))
    person = _person(
        contact,
        phone=identifier(message.get("from")),
        user_id=identifier(message.get("from_user_id")),
    )
    notice = text(node.get("type")) or word
    told = {**node, "identity": message["identity"]} if "identity" in message else node
    if person is None or notice not in _MOVED:
        return Notice(notice=notice, detail=detail(told), person=person)
    phone, user_id = identifier(node.get("wa_id")), identifier(node.get("user_id"))
    has_phone = identifier(message.get("from")) or identifier(contact.get("wa_id"))
    return Notice(
        notice=notice,
        detail=detail(told),
        person=person,
        also_known_as=_names(person, phone, user_id),
        moved_to=phone or (None if has_phone else user_id),
    )
