"""The names in a WhatsApp Cloud API webhook that decide what becomes of its parts."""

from types import MappingProxyType
from typing import Final

from schemas.content import Status
from schemas.inputs import ItemKind

OBJECT: Final = "whatsapp_business_account"

ENTRY_KEYS: Final = frozenset({"id", "time", "changes"})
CHANGE_KEYS: Final = frozenset({"field", "value"})
VALUE_KEYS: Final = frozenset(
    {
        "messaging_product",
        "metadata",
        "contacts",
        "messages",
        "statuses",
        "message_echoes",
        "errors",
    }
)

MESSAGE_KINDS: Final = MappingProxyType(
    {
        "reaction": ItemKind.REACTION,
        "edit": ItemKind.EDIT,
        "revoke": ItemKind.DELETE,
        "system": ItemKind.SYSTEM,
        "request_welcome": ItemKind.SYSTEM,
    }
)
ECHO_KINDS: Final = MappingProxyType({"edit": ItemKind.EDIT, "revoke": ItemKind.DELETE})
STATUSES: Final = frozenset(status.value for status in Status)

MEDIA: Final = frozenset({"image", "video", "audio", "document", "sticker"})
HOLDING_URLS: Final = MEDIA | {"edit"}

PERSONAL: Final = MappingProxyType(
    {
        "calls": ("calls", "statuses"),
        "user_preferences": ("user_preferences",),
        "user_id_update": ("user_id_update",),
    }
)
"""Fields of which each element is about one person; it goes to that person's chat."""

OF_THE_ACCOUNT: Final = frozenset(
    {
        "account_alerts",
        "account_review_update",
        "account_settings_update",
        "account_update",
        "automatic_events",
        "business_capability_update",
        "business_status_update",
        "business_username_update",
        "flows",
        "group_lifecycle_update",
        "group_participants_update",
        "group_settings_update",
        "group_status_update",
        "history",
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "messaging_handovers",
        "partner_solutions",
        "payment_configuration_update",
        "phone_number_name_update",
        "phone_number_quality_update",
        "security",
        "smb_app_state_sync",
        "standby",
        "template_category_update",
        "template_correct_category_detection",
        "tracking_events",
    }
)
"""Fields of which a whole change is one notice, even where it quotes messages."""
