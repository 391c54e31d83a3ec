"""What readers ask the tables; each runs in a transaction whose search_path is the schema."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

Found = dict[str, object]

_CHATS: Final = """
SELECT a.chat_id::text, a.tenant_id, a.platform::text, a.platform_user_id, a.phone_e164, a.username,
       a.first_name, a.last_name, a.is_group, a.last_activity_at, a.conversation_id::text,
       a.conversation_status::text, a.message_count, a.is_paused, a.mode, a.mode_until
FROM recent_activity a
WHERE ($1::text IS NULL OR a.tenant_id = $1)
  AND ($2::text IS NULL
       OR concat_ws(' ', a.platform_user_id, a.phone_e164, a.username, a.first_name, a.last_name)
          ILIKE '%' || $3 || '%' ESCAPE '!'
       OR EXISTS (SELECT FROM messages m WHERE m.chat_id = a.chat_id
                  AND m.search @@ websearch_to_tsquery('simple', $2)))
ORDER BY a.last_activity_at DESC, a.chat_id
LIMIT $4
"""
_CHAT: Final = """
SELECT c.chat_id::text, c.tenant_id, c.platform::text, c.platform_user_id, c.provider, c.account,
       c.phone_e164, c.username, c.first_name, c.last_name, c.is_group, c.last_inbound_at,
       c.last_outbound_at, c.created_at, coalesce(s.is_paused, false) AS is_paused,
       s.pause_reason::text, s.mode, s.mode_until
FROM chats c LEFT JOIN sessions s USING (chat_id)
WHERE c.chat_id = $1
"""
_CONVERSATIONS: Final = """
SELECT conversation_id::text, number, status::text, started_at, last_activity_at, closed_at,
       close_reason, message_count
FROM conversations WHERE chat_id = $1 ORDER BY number DESC LIMIT $2
"""
_MESSAGES: Final = """
SELECT m.message_id::text, v.number AS conversation, m.number, m.origin::text, m.kind::text,
       m.text_content, m.media_caption, m.media_description, m.platform_message_id,
       m.delivery_status::text, m.delivery_attempt, m.error_code, m.error_message, m.edited_at,
       m.deleted_at, m.created_at
FROM conversations v JOIN messages m USING (conversation_id)
WHERE v.chat_id = $1 ORDER BY v.number DESC, m.number DESC LIMIT $2
"""


async def chats(
    connection: "Connection", *, tenant: str | None, search: str | None, limit: int
) -> list[Found]:
    """Chats by their last activity; `search` is in a name, a number, or words of a message."""
    pattern = _literal(search) if search else None
    return await _all(connection, _CHATS, tenant, search or None, pattern, limit)


async def chat(connection: "Connection", chat_id: str) -> Found | None:
    """Who is at the other end, None if nobody is known."""
    found = await _all(connection, _CHAT, UUID(chat_id))
    return found[0] if found else None


async def conversations(connection: "Connection", chat_id: str, *, limit: int) -> list[Found]:
    """The chat's conversations, the latest first."""
    return await _all(connection, _CONVERSATIONS, UUID(chat_id), limit)


async def messages(connection: "Connection", chat_id: str, *, limit: int) -> list[Found]:
    """The chat's last messages, in the order in which they were said."""
    return (await _all(connection, _MESSAGES, UUID(chat_id), limit))[::-1]


async def _all(connection: "Connection", statement: str, *values: object) -> list[Found]:
    return [dict(row) for row in await connection.fetch(statement, *values)]


def _literal(words: str) -> str:
    """The words for LIKE, where nothing in them means more than itself."""
    for special in "!%_":
        words = words.replace(special, f"!{special}")
    return words
