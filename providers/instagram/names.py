"""Names of chats and messages: who writes to whom, and what an event without an id is called.

A message is called by its `mid`; further attachments of one message are messages of their own,
`mid#1` and so on. What has no `mid` is called by a hash of what it says.
"""

from typing import Final

from providers.reading import digest, identifier, mapping
from schemas.content import Json

_PART: Final = "#"
_HASHED: Final = "content:"


def ends(event: Json) -> tuple[str | None, str | None]:
    """Who sent and who received."""
    sender = identifier(mapping(event.get("sender")).get("id"))
    return sender, identifier(mapping(event.get("recipient")).get("id"))


def chat_and_way(event: Json, account: str | None) -> tuple[str | None, bool]:
    """The customer's id, and whether the business wrote: by whatever means, it is echoed."""
    sender, recipient = ends(event)
    message = event.get("message")
    is_echo = isinstance(message, dict) and message.get("is_echo") is True
    outgoing = is_echo or (account is not None and sender == account)
    return (recipient if outgoing else sender), outgoing


def chat_of(event: Json, *, outgoing: bool) -> str | None:
    """The customer's id: in what the business wrote, sender and recipient are swapped."""
    sender, recipient = ends(event)
    return recipient if outgoing else sender


def of_part(mid: str, part: int) -> str:
    """The name of the `part`-th attachment (from 0) of a message."""
    return f"{mid}{_PART}{part}" if part else mid


def mid_of(platform_message_id: str | None) -> str | None:
    """The `mid` by which Meta knows a message, None if it has given it none."""
    if not platform_message_id or platform_message_id.startswith(_HASHED):
        return None
    return platform_message_id.partition(_PART)[0]


def of_postback(event: Json) -> str:
    """The name of a pressed button; old ones have no `mid`."""
    node = mapping(event.get("postback"))
    named = identifier(node.get("mid"))
    said = {"title": node.get("title"), "payload": node.get("payload")}
    return named or digest({**_told(event), "postback": said})


def of_reaction(event: Json) -> str:
    """The name of a reaction, the same for a redelivery."""
    node = mapping(event.get("reaction"))
    return digest({**_told(event), "mid": node.get("mid"), "action": node.get("action")})


def _told(event: Json) -> Json:
    return {"sender": ends(event)[0], "timestamp": event.get("timestamp")}
