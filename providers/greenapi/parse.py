"""What an item of a Green API webhook says."""

from functools import partial
from typing import Final

from providers import jids
from providers.greenapi import names
from providers.greenapi.content import CHOICES, content_of, edited, kept
from providers.greenapi.fields import EXPLAINED, REACTION, SENT, STATUS, STATUSES, TYPED, VOTE
from providers.greenapi.markers import lost
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
from providers.reading import identifier, mapping, moment, text
from providers.unforeseen import unread
from providers.wording import unsupported
from schemas.content import Json, Person, Status
from schemas.inputs import ItemKind

_ANONYMOUS: Final = Unrecognised(reason="a message without chat or sender")
_EMPTY_EDIT: Final = Unrecognised(reason="an edit without words")
_AROUND: Final = frozenset({"instanceData", "timestamp", "typeWebhook"})


def parse(kind: ItemKind, fragment: Json) -> Incoming:
    """What an item says; the fragment is one that `split` made."""
    match kind:
        case ItemKind.MESSAGE | ItemKind.ECHO | ItemKind.REACTION:
            return _message(fragment)
        case ItemKind.STATUS:
            return _status(fragment)
        case ItemKind.EDIT:
            return _edit(mapping(fragment.get("messageData")))
        case ItemKind.DELETE:
            return _deletion(mapping(fragment.get("messageData")))
        case ItemKind.SYSTEM:
            return _notice(fragment)
        case ItemKind.UNRECOGNISED:
            return unread(fragment)


def _message(event: Json) -> Message | Unrecognised:
    named, sender = names.ends(event)
    chat, person = names.chosen(named, sender), _person(event, named, sender)
    if chat is None or person is None:
        return _ANONYMOUS
    data, word = mapping(event.get("messageData")), event.get("typeWebhook")
    spoken = chat.is_group and not names.is_outgoing(event)
    return Message(
        platform_message_id=names.message_of(event),
        platform_timestamp=moment(event.get("timestamp")),
        person=person,
        content=content_of(data, partial(names.file_of, event)),
        reply_to=_reply_to(data),
        speaker=person.platform_user_id if spoken else None,
        is_group=chat.is_group,
        from_human=word == TYPED,
        is_own=word == SENT,
        also_known_as=names.other_names(named, sender),
    )


def _person(event: Json, named: Jid | None, sender: Jid | None) -> Person | None:
    """Who wrote, or to whom the business did; a group where nobody in it is named."""
    chat, told = names.chosen(named, sender), mapping(event.get("senderData"))
    if names.is_outgoing(event):
        return _named(chat, text(told.get("chatName")))
    known_as = text(told.get("senderName")) or text(told.get("senderContactName"))
    if chat and chat.is_group:
        return _named(sender or chat, known_as)
    return _named(chat, known_as or text(told.get("chatName")))


def _named(who: Jid | None, name: str | None) -> Person | None:
    if who is None:
        return None
    return Person(
        platform_user_id=who.platform_user_id,
        phone_e164=who.phone,
        first_name=name,  # WhatsApp tells one name, not its parts
    )


def _reply_to(data: Json) -> str | None:
    if data.get("typeMessage") == REACTION:
        return None
    chosen = (identifier(mapping(data.get(place)).get("stanzaId")) for place in CHOICES)
    return names.quoted(data) or next((one for one in chosen if one), None)


def _status(event: Json) -> StatusReport | Unrecognised:
    word, named = identifier(event.get("status")), identifier(event.get("idMessage"))
    status = STATUSES.get(word or "")
    if status is None or named is None:
        return Unrecognised(reason="a status without message or known word")
    failed = status is Status.FAILED
    return StatusReport(
        platform_message_id=named,
        status=status,
        reported_at=moment(event.get("timestamp")),
        error_code=word if failed else None,
        error_message=_why(word or "", event) if failed else None,
    )


def _why(word: str, event: Json) -> str | None:
    return text(event.get("description")) or EXPLAINED.get(word)


def _edit(data: Json) -> Edit | Unrecognised:
    node = mapping(data.get("editedMessageData"))
    target = identifier(node.get("stanzaId"))
    if target is None:
        return Unrecognised(reason="an edit without target")
    if (error := lost(data)) is not None:
        return Edit(target=target, content=unsupported("editedMessage", error))
    content = edited(node)
    return Edit(target=target, content=content) if content.text else _EMPTY_EDIT


def _deletion(data: Json) -> Deletion | Unrecognised:
    target = identifier(mapping(data.get("deletedMessageData")).get("stanzaId"))
    return Deletion(target=target) if target else Unrecognised(reason="a deletion without target")


def _notice(event: Json) -> Notice | Unrecognised:
    word = identifier(event.get("typeWebhook"))
    if word is None:
        return Unrecognised(reason="a notice of nothing")
    if event.get("messageData"):
        return _aside(event)
    if word == STATUS:
        word = f"status:{identifier(event.get('status'))}"
    told = {key: one for key, one in event.items() if key not in _AROUND}
    caller = jids.read(event.get("from"))
    return Notice(notice=word, detail=kept(told), person=_named(caller, None))


def _aside(event: Json) -> Notice:
    """A vote in a poll, or what was said to nobody in particular: a story, a channel."""
    chat, data = names.chat_of(event), mapping(event.get("messageData"))
    if data.get("typeMessage") == VOTE:
        told: Json = mapping(data.get("pollMessageData"))
        is_group = chat is not None and chat.is_group
        return Notice(
            notice=VOTE,
            detail=kept(told),
            person=_person(event, *names.ends(event)),
            is_group=is_group,
        )
    server = chat.platform_user_id.partition("@")[2] if chat else "unknown"
    detail: Json = {"idMessage": event.get("idMessage"), "typeMessage": data.get("typeMessage")}
    return Notice(notice=server, detail=kept(detail))
