"""The names in an Instagram webhook that decide what becomes of its parts."""

from types import MappingProxyType
from typing import Final

from schemas.content import MessageKind

OBJECT: Final = "instagram"

ENTRY_KEYS: Final = frozenset({"id", "time", "messaging", "standby", "changes", "field", "value"})
CHANGE_KEYS: Final = frozenset({"field", "value"})

NOTICES: Final = (
    "referral",
    "optin",
    "delivery",
    "account_linking",
    "policy_enforcement",
    "pass_thread_control",
    "take_thread_control",
    "request_thread_control",
    "app_roles",
)
"""What an event can tell beside messages; it is recorded and never answered."""
WORDS: Final = ("message", "postback", "reaction", "read", "message_edit", *NOTICES)

STANDBY: Final = "standby"
MESSAGING: Final = frozenset(
    {
        "messages",
        "message_echoes",
        "message_edit",
        "message_edits",
        "message_reactions",
        "messaging_handover",
        "messaging_handovers",
        "messaging_optins",
        "messaging_postbacks",
        "messaging_referral",
        "messaging_seen",
    }
)
"""Fields of a change whose value is an event as in `messaging`: the dashboard's tests are so."""
OF_THE_ACCOUNT: Final = frozenset(
    {
        "comments",
        "comment_poll_response",
        "follow",
        "live_comments",
        "mentions",
        "onboarding_welcome_message_series",
        "share_to_story",
        "story_insights",
        "story_poll_response",
        "story_reactions",
    }
)
"""Fields about posts and stories; a whole change is one notice."""

INBOXES: Final = frozenset({"263902037430900", "1217981644879628"})
"""The `app_id`s of Meta's own inboxes, of pages and of Instagram: a person writes there."""

FILES: Final = MappingProxyType(
    {
        "image": MessageKind.IMAGE,
        "video": MessageKind.VIDEO,
        "audio": MessageKind.AUDIO,
        "file": MessageKind.DOCUMENT,
    }
)
SHARES: Final = MappingProxyType(
    {
        "story_mention": MessageKind.IMAGE,
        "ig_story": MessageKind.IMAGE,
        "share": MessageKind.IMAGE,
        "ig_post": MessageKind.IMAGE,
        "reel": MessageKind.VIDEO,
        "ig_reel": MessageKind.VIDEO,
    }
)
"""What is shared has no type of its own: a picture where it is not known to move."""
SHARE_IDS: Final = ("ig_post_media_id", "reel_video_id", "story_media_id", "id")
