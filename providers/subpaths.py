"""What providers put after the address of their webhook, by themselves: an event's name.

It stands where a tenant's name could stand; a tenant of that name goes first.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_WHAPI: Final = frozenset(
    {
        "messages",
        "statuses",
        "chats",
        "contacts",
        "groups",
        "presences",
        "channel",
        "users",
        "labels",
        "calls",
        "service",
    }
)
"""In mode `path`, as `/messages/post`."""

_EVOLUTION: Final = frozenset(
    {
        "application-startup",
        "call",
        "chats-delete",
        "chats-set",
        "chats-update",
        "chats-upsert",
        "connection-update",
        "contacts-set",
        "contacts-update",
        "contacts-upsert",
        "creds-update",
        "group-participants-update",
        "groups-update",
        "groups-upsert",
        "instance-create",
        "instance-delete",
        "labels-association",
        "labels-edit",
        "logout-instance",
        "messages-delete",
        "messages-edited",
        "messages-set",
        "messages-update",
        "messages-upsert",
        "messaging-history-set",
        "presence-update",
        "qrcode-updated",
        "remove-instance",
        "send-message",
        "send-message-update",
        "status-instance",
        "typebot-change-status",
        "typebot-start",
    }
)
"""With `webhookByEvents`."""

SUBPATHS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {"whapi": _WHAPI, "evolution": _EVOLUTION}
)


def is_subpath(provider: str, word: str) -> bool:
    """Whether the provider may have put `word` there."""
    return word in SUBPATHS.get(provider, ())
