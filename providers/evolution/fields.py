"""The names in an Evolution webhook that decide what becomes of its parts."""

from types import MappingProxyType
from typing import Final

from schemas.content import Status

WRITTEN: Final = frozenset({"messages.upsert", "message"})
"""Somebody wrote; the second is Evolution GO's word."""
OWN: Final = frozenset({"send.message", "sendmessage"})
HISTORY: Final = frozenset({"messages.set", "messaging.history.set"})
EDITED: Final = frozenset({"messages.edited", "send.message.update"})
DELETED: Final = frozenset({"messages.delete"})
UPDATED: Final = frozenset({"messages.update", "receipt"})
SECRET: Final = frozenset({"qrcode.updated", "creds.update"})
"""What is told here lets whoever reads it take over the account; only that it came is kept."""

PERSONAL: Final = MappingProxyType(
    {
        "call": ("from", "chatId"),
        "group.participants.update": ("id",),
        "groupinfo": ("JID",),
        "groups.update": ("id",),
        "groups.upsert": ("id",),
        "joinedgroup": ("JID",),
        "labels.association": ("chatId",),
        "presence.update": ("id",),
    }
)
"""Events of which each element is about one chat, and where it is named."""

STATUSES: Final = MappingProxyType(
    {
        "ERROR": Status.FAILED,
        "0": Status.FAILED,
        "SERVER_ACK": Status.SENT,
        "2": Status.SENT,
        "DELIVERY_ACK": Status.DELIVERED,
        "3": Status.DELIVERED,
        "READ": Status.READ,
        "4": Status.READ,
        "PLAYED": Status.PLAYED,
        "5": Status.PLAYED,
    }
)
DELETED_STATUS: Final = "DELETED"
EDIT_TYPES: Final = frozenset({"MESSAGE_EDIT", "14"})
REVOKE_TYPES: Final = frozenset({"REVOKE", "0"})

WRAPPERS: Final = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
    "deviceSentMessage",
    "groupMentionedMessage",
    "botInvokeMessage",
    "lottieStickerMessage",
    "associatedChildMessage",
)
"""Messages whose `message` is what was said."""

CARRIED: Final = frozenset(
    {
        "messageContextInfo",
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
        "deviceListMetadata",
        "speechToText",
        "mediaUrl",
        "base64",
    }
)
"""What can stand beside the content of a message."""

SERVICE: Final = frozenset(
    {
        "albumMessage",
        "bcallMessage",
        "call",
        "callLogMesssage",  # so it is spelt
        "encCommentMessage",
        "encEventResponseMessage",
        "encReactionMessage",
        "keepInChatMessage",
        "messageHistoryBundle",
        "messageHistoryNotice",
        "pinInChatMessage",
        "placeholderMessage",
        "pollResultSnapshotMessage",
        "pollUpdateMessage",  # a vote, which only the poll's author can decrypt
        "protocolMessage",
        "scheduledCallCreationMessage",
        "scheduledCallEditMessage",
        "secretEncryptedMessage",
        "statusMentionMessage",
        "statusNotificationMessage",
        "stickerSyncRmrMessage",
    }
)
"""Content that nobody wrote, or that nobody but WhatsApp can read."""
