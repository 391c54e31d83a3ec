"""Chats, their conversations and their messages."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from projections.queries.asking import Found, Place, place_of, rows

if TYPE_CHECKING:
    from projections.queries.asking import Connection

_CHATS: Final = """
WITH found AS (
    SELECT c.chat_id FROM chats c
    WHERE ($1::text IS NULL OR c.tenant_id = $1)
      AND concat_ws(' ', c.platform_user_id, c.address, c.phone_e164, c.username, c.first_name,
                    c.last_name) ILIKE '%' || $3 || '%' ESCAPE '!'
    UNION
    SELECT m.chat_id FROM messages m
    WHERE ($1::text IS NULL OR m.tenant_id = $1)
      AND m.search @@ websearch_to_tsquery('simple', $2))
SELECT a.chat_id::text, a.tenant_id, a.platform::text, a.platform_user_id, a.phone_e164, a.username,
       a.first_name, a.last_name, a.is_group, a.last_activity_at, a.conversation_id::text,
       a.conversation_status::text, a.message_count, a.is_paused, a.mode, a.mode_until
FROM recent_activity a
WHERE ($1::text IS NULL OR a.tenant_id = $1)
  AND ($2::text IS NULL OR a.chat_id IN (SELECT surviving_chat(f.chat_id) FROM found f))
ORDER BY a.last_activity_at DESC, a.chat_id
LIMIT $4
"""
_CHAT: Final = """
SELECT c.chat_id::text, c.tenant_id, c.platform::text, c.platform_user_id, c.address, c.provider,
       c.account, c.phone_e164, c.username, c.first_name, c.last_name, c.is_group,
       c.last_inbound_at, c.last_outbound_at, c.last_conversation_summary, c.created_at,
       coalesce(s.is_paused, false) AS is_paused, s.pause_reason::text, s.mode, s.mode_until,
       ARRAY(SELECT o.platform_user_id FROM merged_chats(c.chat_id) k (chat_id)
             JOIN chats o USING (chat_id) WHERE o.chat_id <> c.chat_id
             ORDER BY o.platform_user_id) AS also_known_as
FROM chats c LEFT JOIN sessions s USING (chat_id)
WHERE c.chat_id = surviving_chat($1)
"""
_CONVERSATIONS: Final = """
SELECT conversation_id::text, chat_id::text, number, status::text, started_at, last_activity_at,
       closed_at, close_reason, conversation_summary, message_count
FROM merged_chats(surviving_chat($1)) k (chat_id) JOIN conversations USING (chat_id)
ORDER BY started_at DESC, chat_id DESC, number DESC LIMIT $2
"""
_MESSAGES: Final = """
SELECT l.* FROM merged_chats(surviving_chat($1)) k (chat_id)
CROSS JOIN LATERAL (
    SELECT m.message_id::text, m.chat_id::text, v.number AS conversation, m.number, m.origin::text,
           m.kind::text, m.handler, m.model, m.tokens_in, m.tokens_out, m.text_content,
           m.media_caption, m.media_description, m.media_mime, m.media_size, m.media_key,
           m.media_thumbnail_key, left(m.media_transcript, 1000) AS media_transcript,
           left(m.image_description, 1000) AS image_description,
           left(m.extracted_media_content, 1000) AS extracted_media_content,
           m.platform_message_id, m.delivery_status::text, m.delivery_attempt, m.error_code,
           m.error_message, m.edited_at, m.deleted_at, m.created_at
    FROM conversations v JOIN messages m USING (conversation_id)
    WHERE v.chat_id = k.chat_id ORDER BY v.number DESC, m.number DESC LIMIT $2) l
ORDER BY l.created_at DESC, l.chat_id DESC, l.conversation DESC, l.number DESC LIMIT $2
"""
_PAGE_OF_CHATS: Final = """
SELECT a.chat_id::text, a.tenant_id, a.platform::text, a.platform_user_id, a.phone_e164, a.username,
       a.first_name, a.last_name, a.is_group, a.last_activity_at, a.conversation_id::text,
       a.conversation_status::text, a.message_count, a.is_paused, a.pause_reason::text, a.mode,
       a.mode_until
FROM recent_activity a
WHERE ($1::text IS NULL OR a.tenant_id = $1)
  AND ($2::boolean IS NULL OR a.is_paused = $2)
  AND ($3::timestamptz IS NULL OR (a.last_activity_at, a.chat_id) < ($3, $4::uuid))
ORDER BY a.last_activity_at DESC, a.chat_id DESC
LIMIT $5
"""
_PAUSED: Final = """
SELECT s.tenant_id, s.chat_id::text FROM sessions s JOIN chats c USING (chat_id)
WHERE s.is_paused AND c.merged_into IS NULL
  AND ($1::text IS NULL OR (s.tenant_id, s.chat_id) > ($1, $2::uuid))
ORDER BY s.tenant_id, s.chat_id LIMIT $3
"""


async def page_of_chats(
    connection: "Connection",
    *,
    tenant: str | None,
    paused: bool | None,
    before: Place | None,
    limit: int,
) -> list[Found]:
    """Chats by their last activity; one that becomes active meanwhile moves to the front."""
    return await rows(connection, _PAGE_OF_CHATS, tenant, paused, *place_of(before), limit)


async def paused_chats(
    connection: "Connection", *, after: tuple[str, str] | None, limit: int
) -> list[Found]:
    """Tenant and id of paused chats that go on, in the order of both, behind the pair `after`."""
    tenant, chat_id = after or (None, None)
    return await rows(connection, _PAUSED, tenant, UUID(chat_id) if chat_id else None, limit)


async def chats(
    connection: "Connection", *, tenant: str | None, search: str | None, limit: int
) -> list[Found]:
    """Chats by their last activity; `search` is in a name, a number, or words of a message."""
    pattern = _literal(search) if search else None
    return await rows(connection, _CHATS, tenant, search or None, pattern, limit)


async def chat(connection: "Connection", chat_id: str) -> Found | None:
    """Who is at the other end, None if nobody is known; of merged chats, the one that goes on."""
    found = await rows(connection, _CHAT, UUID(chat_id))
    return found[0] if found else None


async def conversations(connection: "Connection", chat_id: str, *, limit: int) -> list[Found]:
    """The conversations of the chat, and of those merged with it, the latest first."""
    return await rows(connection, _CONVERSATIONS, UUID(chat_id), limit)


async def messages(connection: "Connection", chat_id: str, *, limit: int) -> list[Found]:
    """The last messages of the chat, and of those merged with it, in the order of the log."""
    return (await rows(connection, _MESSAGES, UUID(chat_id), limit))[::-1]


def _literal(words: str) -> str:
    """The words for LIKE, where nothing in them means more than itself."""
    for special in "!%_":
        words = words.replace(special, f"!{special}")
    return words
