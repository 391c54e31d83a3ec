"""The names in a Whapi webhook that decide what becomes of its parts."""

from types import MappingProxyType
from typing import Final

from schemas.content import Status
from schemas.inputs import ItemKind

ENVELOPE: Final = frozenset({"channel_id", "event"})

NOTICES: Final = MappingProxyType(
    {
        "chats": "id",
        "chats_updates": "id",
        "chats_removed": "",
        "contacts": "id",
        "contacts_updates": "id",
        "groups": "id",
        "groups_participants": "group_id",
        "groups_updates": "id",
        "presences": "contact_id",
        "calls": "chat_id",
        "labels": None,
        "labels_removed": None,
        "qr": None,
        "health": None,
        "user": None,
        "errors": None,
        "messages_removed_all": "",
    }
)
"""Parts that are recorded and never answered, and what names the chat in each of their elements.

"" is the element itself; None is the account as a whole.
"""

STORIES: Final = "stories"
"""How Whapi calls the place of what others call `status@broadcast`."""

WORDLESS: Final = frozenset({"system", "call", "unknown", "pin", "story"})
"""Types of messages that nobody wrote to us; answering `unknown` has led to threefold replies."""

ACTIONS: Final = MappingProxyType(
    {
        "edit": ItemKind.EDIT,
        "edited": ItemKind.EDIT,
        "delete": ItemKind.DELETE,
        "reaction": ItemKind.REACTION,
        "vote": ItemKind.MESSAGE,
        "comment": ItemKind.MESSAGE,
    }
)

OURS: Final = frozenset({"api", "business_api", "system"})
"""Sources of what no person typed on the business's phone."""

STATUSES: Final = frozenset(status.value for status in Status)

CONTENT: Final = frozenset(
    {
        "type",
        "body",
        "caption",
        "text",
        "link_preview",
        "image",
        "video",
        "gif",
        "short",
        "document",
        "location",
        "live_location",
        "contact",
        "contact_list",
        "interactive",
    }
)
"""What makes a change of a message an edit of its content."""

SECRETS: Final = frozenset(
    {
        "link",  # whoever has it can read the file
        "preview",  # a picture in base64
        "token",  # opens an order
        "base64",  # a QR code that makes another phone the channel's
        "rowdata",  # the same in letters
        "chat_pic",
        "chat_pic_full",
        "profile_pic",
        "profile_pic_full",
        "icon",
        "icon_full",
    }
)
"""What no record keeps: signed addresses, secrets, and pictures among the words."""
