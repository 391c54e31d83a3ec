"""The words in a Green API webhook that decide what becomes of it."""

from types import MappingProxyType
from typing import Final

from schemas.content import Status
from schemas.inputs import ItemKind

TYPED: Final = "outgoingMessageReceived"
"""Written on the business's own phone."""
SENT: Final = "outgoingAPIMessageReceived"
"""Sent through the API, by us or by another program."""
MESSAGES: Final = frozenset({"incomingMessageReceived", TYPED, SENT})
STATUS: Final = "outgoingMessageStatus"

NOTICES: Final = frozenset(
    {
        "avatarInfo",
        "deviceInfo",
        "incomingBlock",
        "incomingCall",
        "outgoingCall",
        "quotaExceeded",
        "stateInstanceChanged",
        "statusInstanceChanged",
    }
)

VOTE: Final = "pollUpdateMessage"
REACTION: Final = "reactionMessage"
KINDS: Final = MappingProxyType(
    {
        "deletedMessage": ItemKind.DELETE,
        "editedMessage": ItemKind.EDIT,
        VOTE: ItemKind.SYSTEM,
        REACTION: ItemKind.REACTION,
    }
)
"""What is no new message, by `typeMessage`."""

STATUSES: Final = MappingProxyType(
    {
        "sent": Status.SENT,
        "delivered": Status.DELIVERED,
        "read": Status.READ,
        "fail": Status.FAILED,
        "failed": Status.FAILED,
        "noAccount": Status.FAILED,
        "notInGroup": Status.FAILED,
    }
)
"""`yellowCard` is none: the message waits in the queue and may leave yet."""
EXPLAINED: Final = MappingProxyType(
    {
        "noAccount": "This number has no WhatsApp account.",
        "notInGroup": "The account is not in this group.",
    }
)
