"""Who and where: the chat of a message, who wrote it, and by which other names it is known."""

from providers import jids
from providers.jids import Jid
from providers.whapi.fields import STORIES
from schemas.content import Json


def is_from_me(message: Json) -> bool:
    """Whether the business wrote it, by whatever means."""
    return message.get("from_me") is True


def is_story(message: Json) -> bool:
    """Whether it was shown to all contacts, in a list or a channel, and written to nobody."""
    if message.get("type") == "story" or message.get("chat_id") == STORIES:
        return True
    chat = jids.read(message.get("chat_id"))
    return chat is not None and chat.is_broadcast


def chat_of(message: Json) -> Jid | None:
    """The chat of a message: by the phone, where one of its names is one."""
    named, other = jids.read(message.get("chat_id")), _other(message)
    if named is None:
        return other
    if named.is_lid and other is not None and _is_phone_beside(other, named):
        return other
    return named


def aliases(message: Json) -> tuple[str, ...]:
    """The hidden name of a person that stands beside the phone."""
    named, other = jids.read(message.get("chat_id")), _other(message)
    if named is None or other is None:
        return ()
    if named.is_lid and _is_phone_beside(other, named):
        return (named.platform_user_id,)
    if other.is_lid and _is_phone_beside(named, other):
        return (other.platform_user_id,)
    return ()


def speaker_of(message: Json) -> Jid | None:
    """Who wrote a message in a group."""
    return jids.read(message.get("from"))


def _other(message: Json) -> Jid | None:
    """The one at the other end, as the message names them beside its chat."""
    return jids.read(message.get("to" if is_from_me(message) else "from"))


def _is_phone_beside(name: Jid, lid: Jid) -> bool:
    """Whether `name` is a phone, and not the digits of the hidden name over again."""
    digits = name.platform_user_id
    return digits.isdigit() and digits != lid.platform_user_id.partition("@")[0]
