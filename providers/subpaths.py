"""What providers put after the address of their webhook, by themselves: an event's name.

It stands where a tenant's name could stand; a tenant of that name goes first.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from providers.whapi.fields import SUBPATHS as WHAPI

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
    {"whapi": WHAPI, "evolution": _EVOLUTION}
)


def is_subpath(provider: str, word: str) -> bool:
    """Whether the provider may have put `word` there."""
    return word in SUBPATHS.get(provider, ())
