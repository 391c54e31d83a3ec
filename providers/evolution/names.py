"""Who and what an Evolution key names: chat, people, message.

A person may appear by phone and by a hidden id (`…@lid`), each with or without the other; the
phone is the name where it is told, so that the chat is the same as before WhatsApp hid it.
"""

from collections.abc import Iterable
from typing import Final

from providers import jids
from providers.jids import Jid
from providers.reading import identifier
from schemas.content import Json

_CHAT: Final = ("remoteJid", "remoteJidAlt", "previousRemoteJid")
_SENDER: Final = ("senderPn", "senderLid")
_ENDS: Final = (*_CHAT, *_SENDER)
_SPEAKER: Final = ("participant", "participantAlt", "participantPn", "participantLid")


def message_of(key: Json) -> str | None:
    """The id of the message that a key points to."""
    return identifier(key.get("id"))


def is_from_me(key: Json) -> bool:
    """Whether the business wrote it."""
    return key.get("fromMe") is True


def chat_of(key: Json) -> Jid | None:
    """The chat that a key points to."""
    people = _named(key, _of_chat(key))
    return _best(people) if people else None


def other_names(key: Json) -> tuple[str, ...]:
    """The hidden ids of a chat that is named by a phone."""
    people = _named(key, _of_chat(key))
    best = _best(people) if people else None
    return tuple(dict.fromkeys(p.platform_user_id for p in people if p.is_lid and p != best))


def speaker_of(key: Json) -> Jid | None:
    """Who wrote in a group."""
    names = _SPEAKER if is_from_me(key) else (*_SPEAKER, *_SENDER)
    people = [one for one in _named(key, names) if not one.is_group]
    return _best(people) if people else None


def _of_chat(key: Json) -> Iterable[str]:
    """Who sent it is the other end of a chat only where the business did not."""
    return _CHAT if is_from_me(key) else _ENDS


def _named(key: Json, names: Iterable[str]) -> list[Jid]:
    """Those whom the key names; nobody but the group where the chat is one."""
    found = [jid for name in names if name in key and (jid := jids.read(key[name]))]
    if len(found) < 2:
        return found
    if found[0].is_group or found[0].is_broadcast:
        return found[:1]
    return [one for one in found if not (one.is_group or one.is_broadcast)]


def _best(people: list[Jid]) -> Jid:
    if len(people) == 1:
        return people[0]
    return next((one for one in people if not one.is_lid), people[0])
