"""Names of accounts, chats, messages and files.

A file is the instance, the chat and the message that it came with, parted by spaces: the links
in webhooks end, and whoever has one can read the file.
"""

import re
from typing import Final

from providers import jids
from providers.greenapi.fields import SENT, TYPED
from providers.jids import Jid
from providers.reading import digest, identifier, mapping
from schemas.content import Json

SERVER: Final = "c.us"
"""How Green API ends the name of a person."""
_FILE: Final = re.compile(r"([A-Za-z0-9_-]+) (\S+@\S+) (\S+)")
_DERIVED: Final = "content:"


def account_of(event: Json) -> str | None:
    """The instance that tells the event."""
    return identifier(mapping(event.get("instanceData")).get("idInstance"))


def message_of(event: Json) -> str:
    """The name of the message, made of the event where it has none."""
    return identifier(event.get("idMessage")) or digest(event)


def is_given(message: str | None) -> bool:
    """Whether Green API gave the name, and so knows the message by it."""
    return bool(message) and not (message or "").startswith(_DERIVED)


def is_outgoing(event: Json) -> bool:
    """Whether the business wrote."""
    return event.get("typeWebhook") in (TYPED, SENT)


def chat_of(event: Json) -> Jid | None:
    """The chat that a message belongs to."""
    return chosen(*ends(event))


def ends(event: Json) -> tuple[Jid | None, Jid | None]:
    """The chat as it is named, and who wrote in it; None for what the business wrote."""
    told = mapping(event.get("senderData"))
    chat, sender = told.get("chatId"), None if is_outgoing(event) else told.get("sender")
    named = jids.read(chat)
    return named, named if sender == chat else jids.read(sender)


def chosen(chat: Jid | None, sender: Jid | None) -> Jid | None:
    """The better name of a chat: the sender's where it has none or hides the phone."""
    if chat is None:
        return sender
    return sender if chat.is_lid and sender and sender.phone else chat


def other_names(chat: Jid | None, sender: Jid | None) -> tuple[str, ...]:
    """The hidden name or the phone of the person whose chat is named by the other."""
    if chat is None or sender is None or chat.is_group or chat.is_lid is sender.is_lid:
        return ()
    other = sender if chosen(chat, sender) is chat else chat
    return (other.platform_user_id,)


def subject_of(event: Json) -> Jid | None:
    """The chat that a notice is about, None where it is about the account."""
    avatar = mapping(event.get("avatarInfo"))
    for told in (event.get("chatId"), event.get("from"), avatar.get("chatId")):
        if found := jids.read(told):
            return None if found.is_broadcast else found
    return None


def quoted(data: Json) -> str | None:
    """The message that one answers or reacts to."""
    extended = mapping(data.get("extendedTextMessageData"))
    for node in (mapping(data.get("quotedMessage")), extended):
        if found := identifier(node.get("stanzaId")):
            return found
    return None


def file_of(event: Json) -> str | None:
    """The name of the file that came with a message, None where it cannot be asked for."""
    told = identifier(mapping(event.get("senderData")).get("chatId"))
    found = chat_of(event)
    chat = told if told and "@" in told else found and address(found.platform_user_id)
    account, message = account_of(event), identifier(event.get("idMessage"))
    if account is None or chat is None or message is None:
        return None
    name = f"{account} {chat} {message}"
    return name if file_parts(name) else None


def file_parts(name: str) -> tuple[str, str, str] | None:
    """Instance, chat and message of a file."""
    found = _FILE.fullmatch(name)
    return (found[1], found[2], found[3]) if found else None


def address(platform_user_id: str) -> str:
    """The `chatId` of a chat."""
    return jids.address(platform_user_id, SERVER)
