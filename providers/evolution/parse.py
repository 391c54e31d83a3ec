"""What an item of an Evolution webhook says."""

from typing import Final

from providers.evolution import go, names, quantities, updates
from providers.evolution.content import content_of, context_of, unwrapped, word_of
from providers.evolution.fields import EDITED, HISTORY, OWN, UPDATED
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
from providers.reading import detail, identifier, mapping, text
from providers.unforeseen import unread
from schemas.content import Json, Person
from schemas.inputs import ItemKind

_ANONYMOUS: Final = Unrecognised(reason="a message without id or chat")
_NO_TARGET: Final = Unrecognised(reason="an edit or a deletion without target")


def parse(kind: ItemKind, fragment: Json) -> Incoming:
    """What an item says; the fragment is one that `split` made."""
    match kind:
        case ItemKind.MESSAGE | ItemKind.REACTION | ItemKind.ECHO:
            return _message(fragment)
        case ItemKind.STATUS:
            return _status(updates.read(mapping(fragment.get("data"))))
        case ItemKind.EDIT:
            return _edit(fragment)
        case ItemKind.DELETE:
            return _deletion(fragment)
        case ItemKind.SYSTEM:
            return _notice(fragment)
        case ItemKind.UNRECOGNISED:
            return unread(fragment)


def reference_of(fragment: Json, message_id: str | None) -> str | None:
    """How a file is asked for: its instance and the message that it came with."""
    instance = identifier(fragment.get("instance"))
    return f"{instance}/{message_id}" if instance and message_id else None


def _event(fragment: Json) -> str:
    return text(fragment.get("event")) or ""


def _message(fragment: Json) -> Message | Unrecognised:
    data = go.as_message(mapping(fragment.get("data")))
    key, event = mapping(data.get("key")), _event(fragment)
    named, chat = names.message_of(key), names.chat_of(key)
    if named is None or chat is None:
        return _ANONYMOUS
    is_own = event in OWN
    is_ours = is_own or names.is_from_me(key)
    speaker = names.speaker_of(key) if chat.is_group and not is_ours else None
    word = text(data.get("messageType")) or ""
    content = content_of(data.get("message"), reference_of(fragment, named), word)
    return Message(
        platform_message_id=named,
        platform_timestamp=quantities.when(data.get("messageTimestamp")),
        person=_person(chat if is_ours else speaker or chat, None if is_ours else data),
        content=content,
        reply_to=_reply_to(data),
        speaker=speaker.platform_user_id if speaker else None,
        is_group=chat.is_group,
        from_human=is_ours and not is_own,
        is_own=is_own,
        is_history=event in HISTORY,
        also_known_as=names.other_names(key),
    )


def _person(who: Jid, data: Json | None) -> Person:
    """The name beside a message is its author's, and a number where none is known."""
    shown = text(mapping(data).get("pushName"))
    return Person(
        platform_user_id=who.platform_user_id,
        phone_e164=who.phone,
        first_name=None if shown and shown.isdigit() else shown,
    )


def _reply_to(data: Json) -> str | None:
    """The id of the message that is answered."""
    context = mapping(data.get("contextInfo")) or context_of(unwrapped(data.get("message")))
    return identifier(context.get("stanzaId")) or identifier(context.get("stanzaID"))


def _status(update: updates.Update) -> StatusReport | Unrecognised:
    named, status = names.message_of(update.key), update.status
    if named is None or status is None:
        return Unrecognised(reason="a status without id or known word")
    return StatusReport(
        platform_message_id=named,
        status=status,
        reported_at=quantities.when(update.told.get("timestamp")),
        error_code=update.error,
    )


def _edit(fragment: Json) -> Edit | Unrecognised:
    target, edited = _edited(fragment)
    if target is None or not edited:
        return _NO_TARGET
    return Edit(target=target, content=content_of(edited, reference_of(fragment, target)))


def _edited(fragment: Json) -> tuple[str | None, Json]:
    if _event(fragment) in UPDATED:
        update = updates.read(mapping(fragment.get("data")))
        return names.message_of(update.key), update.new_content
    told = _protocol(fragment)
    return names.message_of(mapping(told.get("key"))), mapping(told.get("editedMessage"))


def _protocol(fragment: Json) -> Json:
    data = mapping(fragment.get("data"))
    if _event(fragment) in EDITED:
        return data
    inner = unwrapped(go.as_message(data).get("message"))
    return mapping(inner.get("protocolMessage"))


def _deletion(fragment: Json) -> Deletion | Unrecognised:
    data = mapping(fragment.get("data"))
    if _event(fragment) in UPDATED:
        key = updates.read(data).key
    else:
        key = mapping(_protocol(fragment).get("key")) or mapping(data.get("key")) or data
    target = names.message_of(key)
    return Deletion(target=target) if target else _NO_TARGET


def _notice(fragment: Json) -> Notice | Unrecognised:
    event = _event(fragment)
    if not event:
        return Unrecognised(reason="a notice without event")
    told = fragment.get("data")
    data = mapping(told)
    word = _word(event, data)
    whole = detail(data if isinstance(told, dict) or told is None else {event: told})
    return Notice(notice=word, detail=whole, person=_caller(event, data))


def _word(event: str, data: Json) -> str:
    """What a notice is called: by its event, or by what came instead of a message."""
    if event in UPDATED:
        update = updates.read(data)
        return "poll.update" if update.told.get("pollUpdates") else f"status:{update.word}"
    said = go.as_message(data)
    chat = names.chat_of(mapping(said.get("key")))
    if "message" not in said or chat is None:
        return event
    if chat.is_broadcast:
        return chat.platform_user_id if chat.platform_user_id.startswith("status@") else "broadcast"
    return word_of(unwrapped(said.get("message"))) or f"{event}:empty"


def _caller(event: str, data: Json) -> Person | None:
    if event != "call":
        return None
    chat = names.chat_of({"remoteJid": data.get("from") or data.get("chatId")})
    return _person(chat, None) if chat and not chat.is_group else None
