"""The projected tables as data: names, types, keys; `migrations/` has the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_PLATFORM_OF_CHAT: Final = "(SELECT c.platform FROM chats c WHERE c.chat_id = s.chat_id)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: `key` and `columns` map names to types.

    `lookups` are columns that a new row takes from a table merged before it, by an expression
    over the staged row `s`; they must be constant once they can be read, so that it makes no
    difference which batch a fact was in. `kept` columns keep their first value. With
    `has_standing`, the row also has the columns of `rows.Standing`.

    In a table of totals (`has_totals`) every column is a number that is only added to, by
    `rows.add`; rows may belong to many chats.
    """

    name: str
    key: Mapping[str, str]
    columns: Mapping[str, str]
    lookups: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    has_standing: bool = False
    has_totals: bool = False


CHATS: Final = Table(
    name="chats",
    key={"chat_id": "uuid"},
    columns={
        "tenant_id": "text",
        "platform": "platform",
        "platform_user_id": "text",
        "provider": "text",
        "account": "text",
        "phone_e164": "text",
        "username": "text",
        "first_name": "text",
        "last_name": "text",
        "is_group": "boolean",
        "is_blocked": "boolean",
        "address": "text",
        "merged_into": "uuid",
        "last_inbound_at": "timestamptz",
        "last_outbound_at": "timestamptz",
        "last_conversation_summary": "text",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
)

CONVERSATIONS: Final = Table(
    name="conversations",
    key={"conversation_id": "uuid"},
    columns={
        "chat_id": "uuid",
        "tenant_id": "text",
        "number": "integer",
        "status": "conversation_status",
        "started_at": "timestamptz",
        "last_inbound_at": "timestamptz",
        "last_activity_at": "timestamptz",
        "closed_at": "timestamptz",
        "close_reason": "text",
        "conversation_summary": "text",
        "message_count": "integer",
        "created_at": "timestamptz",
    },
)

MESSAGES: Final = Table(
    name="messages",
    key={"message_id": "uuid"},
    columns={
        "conversation_id": "uuid",
        "chat_id": "uuid",
        "tenant_id": "text",
        "number": "integer",
        "user_number": "integer",
        "actor": "actor",
        "origin": "origin",
        "speaker": "text",
        "kind": "message_kind",
        "platform_message_id": "text",
        "platform_timestamp": "timestamptz",
        "reply_to": "text",
        "handler": "text",
        "text_content": "text",
        "json_content": "jsonb",
        "media_reference": "text",
        "media_mime": "text",
        "media_sha256": "text",
        "media_size": "bigint",
        "media_caption": "text",
        "media_description": "text",
        "media_key": "text",
        "media_thumbnail_key": "text",
        "media_transcript": "text",
        "extracted_media_content": "text",
        "image_description": "text",
        "model": "text",
        "tokens_in": "integer",
        "tokens_out": "integer",
        "edited_at": "timestamptz",
        "deleted_at": "timestamptz",
        "received_at": "timestamptz",
        "created_at": "timestamptz",
    },
    lookups={"platform": _PLATFORM_OF_CHAT},
    kept=frozenset({"platform_message_id"}),
    has_standing=True,
)

SESSIONS: Final = Table(
    name="sessions",
    key={"chat_id": "uuid"},
    columns={
        "tenant_id": "text",
        "is_paused": "boolean",
        "pause_reason": "pause_reason",
        "paused_at": "timestamptz",
        "paused_by": "text",
        "mode": "text",
        "mode_until": "timestamptz",
        "last_message_at": "timestamptz",
        "last_human_at": "timestamptz",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
)

PROCESSED_EVENTS: Final = Table(
    name="processed_events",
    key={"tenant_id": "text", "message_id": "text", "event_type": "text", "chat_id": "uuid"},
    columns={"action_taken": "text", "processed_at": "timestamptz"},
)

DELIVERY_ATTEMPTS: Final = Table(
    name="delivery_attempts",
    key={"reply_id": "uuid", "attempt": "integer"},
    columns={
        "chat_id": "uuid",
        "tenant_id": "text",
        "outcome": "send_outcome",
        "platform_message_id": "text",
        "http_status": "integer",
        "error_code": "text",
        "error_message": "text",
        "retryable": "boolean",
        "started_at": "timestamptz",
        "finished_at": "timestamptz",
        "next_attempt_at": "timestamptz",
        "waiting_for": "text",
    },
    lookups={"channel": _PLATFORM_OF_CHAT},
)

DELIVERY_FALLBACKS: Final = Table(
    name="delivery_fallbacks",
    key={"reply_id": "uuid", "attempt": "integer"},
    columns={
        "chat_id": "uuid",
        "tenant_id": "text",
        "number": "integer",
        "channel": "text",
        "provider": "text",
        "account": "text",
        "recipient": "text",
        "chosen_at": "timestamptz",
    },
)

PROCESSING_JOBS: Final = Table(
    name="processing_jobs",
    key={"job_id": "text"},
    columns={
        "kind": "text",
        "message_id": "uuid",
        "conversation_id": "uuid",
        "chat_id": "uuid",
        "tenant_id": "text",
        "status": "job_status",
        "attempts": "integer",
        "error_code": "text",
        "last_error": "text",
        "next_attempt_at": "timestamptz",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
    },
)

JOB_FAILURES: Final = Table(
    name="job_failures",
    key={"job_id": "text", "attempt": "integer"},
    columns={
        "chat_id": "uuid",
        "tenant_id": "text",
        "error_code": "text",
        "error_message": "text",
        "retryable": "boolean",
        "started_at": "timestamptz",
        "finished_at": "timestamptz",
    },
)

MODEL_CALLS: Final = Table(
    name="model_calls",
    key={"job_id": "text", "attempt": "integer"},
    columns={
        "chat_id": "uuid",
        "tenant_id": "text",
        "kind": "text",
        "model": "text",
        "seconds": "double precision",
        "tokens_in": "integer",
        "tokens_out": "integer",
        "cost_micros": "integer",
        "reused": "boolean",
        "called_at": "timestamptz",
    },
)

TENANTS: Final = Table(
    name="tenants",
    key={"tenant_id": "text"},
    columns={
        "name": "text",
        "accounts": "jsonb",
        "responder": "text",
        "llm_provider": "text",
        "llm_model": "text",
        "system_prompt": "text",
        "settings": "jsonb",
        "created_at": "timestamptz",
        "updated_at": "timestamptz",
        "removed_at": "timestamptz",
    },
)
