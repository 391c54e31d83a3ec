"""What readers ask the tables; each runs in a transaction whose search_path is the schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

Found = dict[str, object]
Place = tuple[datetime, str]
"""Where a page ended: the time and the id of its last row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries; what is None or empty does not matter.

    `waiting_for` is `retry` or `operator`; `until` itself is left out.
    """

    tenant: str | None = None
    chat_id: str | None = None
    statuses: Sequence[str] = ()
    provider: str | None = None
    account: str | None = None
    error_code: str | None = None
    waiting_for: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


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
       c.last_inbound_at, c.last_outbound_at, c.created_at,
       coalesce(s.is_paused, false) AS is_paused, s.pause_reason::text, s.mode, s.mode_until,
       ARRAY(SELECT o.platform_user_id FROM merged_chats(c.chat_id) k (chat_id)
             JOIN chats o USING (chat_id) WHERE o.chat_id <> c.chat_id
             ORDER BY o.platform_user_id) AS also_known_as
FROM chats c LEFT JOIN sessions s USING (chat_id)
WHERE c.chat_id = surviving_chat($1)
"""
_CONVERSATIONS: Final = """
SELECT conversation_id::text, chat_id::text, number, status::text, started_at, last_activity_at,
       closed_at, close_reason, message_count
FROM merged_chats(surviving_chat($1)) k (chat_id) JOIN conversations USING (chat_id)
ORDER BY started_at DESC, chat_id DESC, number DESC LIMIT $2
"""
_MESSAGES: Final = """
SELECT l.* FROM merged_chats(surviving_chat($1)) k (chat_id)
CROSS JOIN LATERAL (
    SELECT m.message_id::text, m.chat_id::text, v.number AS conversation, m.number, m.origin::text,
           m.kind::text, m.text_content, m.media_caption, m.media_description,
           m.platform_message_id, m.delivery_status::text, m.delivery_attempt, m.error_code,
           m.error_message, m.edited_at, m.deleted_at, m.created_at
    FROM conversations v JOIN messages m USING (conversation_id)
    WHERE v.chat_id = k.chat_id ORDER BY v.number DESC, m.number DESC LIMIT $2) l
ORDER BY l.created_at DESC, l.chat_id DESC, l.conversation DESC, l.number DESC LIMIT $2
"""
_ATTEMPT: Final = "a.http_status, a.retryable, a.waiting_for, a.next_attempt_at, a.finished_at"
_DELIVERIES: Final = f"""
SELECT m.message_id::text AS reply_id, m.tenant_id, m.chat_id::text,
       coalesce(f.channel, c.platform::text) AS channel,
       coalesce(f.provider, c.provider) AS provider, coalesce(f.account, c.account) AS account,
       coalesce(f.recipient, c.address, c.platform_user_id) AS recipient,
       m.origin::text, m.kind::text,
       left(coalesce(m.text_content, m.media_caption, m.media_description), 80) AS preview,
       m.delivery_status::text AS status, m.delivery_attempt AS attempt, m.error_code,
       m.error_message, m.platform_message_id, {_ATTEMPT}, m.created_at
"""
_OF: Final = """
LEFT JOIN chats c ON c.chat_id = m.chat_id
LEFT JOIN LATERAL (
    SELECT w.channel, w.provider, w.account, w.recipient FROM delivery_fallbacks w
    WHERE w.reply_id = m.message_id ORDER BY w.attempt DESC LIMIT 1) f ON true
"""
_ALL_DELIVERIES: Final = f"""{_DELIVERIES}
FROM messages m {_OF}
LEFT JOIN LATERAL (
    SELECT {_ATTEMPT} FROM delivery_attempts a
    WHERE a.reply_id = m.message_id ORDER BY a.attempt DESC LIMIT 1) a ON true
WHERE m.received_at IS NOT NULL
"""  # noqa: S608  # of constants
_WAITING_DELIVERIES: Final = f"""{_DELIVERIES}
FROM delivery_attempts a JOIN messages m ON m.message_id = a.reply_id {_OF}
WHERE a.waiting_for IS NOT NULL AND a.waiting_for = ANY($12::text[])
  AND NOT EXISTS (SELECT FROM delivery_attempts l
                  WHERE l.reply_id = a.reply_id AND l.attempt > a.attempt)
"""
_WANTED: Final = """
  AND ($1::text IS NULL OR m.tenant_id = $1)
  AND ($2::uuid IS NULL OR m.conversation_id IN (
        SELECT v.conversation_id FROM merged_chats(surviving_chat($2)) k (chat_id)
        JOIN conversations v USING (chat_id)))
  AND ($3::text[] = '{}' OR m.delivery_status::text = ANY($3))
  AND ($4::text IS NULL OR coalesce(f.provider, c.provider) = $4)
  AND ($5::text IS NULL OR coalesce(f.account, c.account) = $5)
  AND ($6::text IS NULL OR m.error_code = $6)
  AND ($7::timestamptz IS NULL OR m.created_at >= $7)
  AND ($8::timestamptz IS NULL OR m.created_at < $8)
  AND ($9::timestamptz IS NULL OR (m.created_at, m.message_id) < ($9, $10::uuid))
ORDER BY m.created_at DESC, m.message_id DESC
LIMIT $11
"""
_DELIVERY: Final = _ALL_DELIVERIES + "AND m.message_id = $1"
_ATTEMPTS: Final = """
SELECT d.attempt, coalesce(f.channel, d.channel) AS channel, d.outcome::text, d.platform_message_id,
       d.http_status, d.error_code, d.error_message, d.retryable, d.started_at, d.finished_at,
       d.waiting_for, d.next_attempt_at
FROM delivery_attempts d
LEFT JOIN LATERAL (
    SELECT w.channel FROM delivery_fallbacks w
    WHERE w.reply_id = d.reply_id AND w.attempt <= d.attempt
    ORDER BY w.attempt DESC LIMIT 1) f ON true
WHERE d.reply_id = $1 ORDER BY d.attempt
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
SELECT tenant_id, chat_id::text FROM sessions
WHERE is_paused AND ($1::text IS NULL OR (tenant_id, chat_id) > ($1, $2::uuid))
ORDER BY tenant_id, chat_id LIMIT $3
"""


async def deliveries(
    connection: "Connection", wanted: Wanted, *, before: Place | None, limit: int
) -> list[Found]:
    """Replies and how their sending stands, the latest first; the next page is `before` a place.

    A reply that comes later is never between two pages.
    """
    values = (
        wanted.tenant,
        UUID(wanted.chat_id) if wanted.chat_id else None,
        list(wanted.statuses),
        wanted.provider,
        wanted.account,
        wanted.error_code,
        wanted.since,
        wanted.until,
        *_place(before),
        limit,
    )
    if wanted.waiting_for:
        statement = _WAITING_DELIVERIES + _WANTED
        return await _all(connection, statement, *values, list(wanted.waiting_for))
    return await _all(connection, _ALL_DELIVERIES + _WANTED, *values)


async def delivery(connection: "Connection", reply_id: str) -> Found | None:
    """One reply with every attempt to send it, None if there is no such reply."""
    found = await _all(connection, _DELIVERY, UUID(reply_id))
    if not found:
        return None
    return found[0] | {"attempts": await _all(connection, _ATTEMPTS, UUID(reply_id))}


async def page_of_chats(
    connection: "Connection",
    *,
    tenant: str | None,
    paused: bool | None,
    before: Place | None,
    limit: int,
) -> list[Found]:
    """Chats by their last activity; one that becomes active meanwhile moves to the front."""
    return await _all(connection, _PAGE_OF_CHATS, tenant, paused, *_place(before), limit)


async def paused_chats(
    connection: "Connection", *, after: tuple[str, str] | None, limit: int
) -> list[Found]:
    """Tenant and id of paused chats in the order of both; the next page is `after` a pair."""
    tenant, chat_id = after or (None, None)
    return await _all(connection, _PAUSED, tenant, UUID(chat_id) if chat_id else None, limit)


async def chats(
    connection: "Connection", *, tenant: str | None, search: str | None, limit: int
) -> list[Found]:
    """Chats by their last activity; `search` is in a name, a number, or words of a message."""
    pattern = _literal(search) if search else None
    return await _all(connection, _CHATS, tenant, search or None, pattern, limit)


async def chat(connection: "Connection", chat_id: str) -> Found | None:
    """Who is at the other end, None if nobody is known; of merged chats, the one that goes on."""
    found = await _all(connection, _CHAT, UUID(chat_id))
    return found[0] if found else None


async def conversations(connection: "Connection", chat_id: str, *, limit: int) -> list[Found]:
    """The conversations of the chat, and of those merged with it, the latest first."""
    return await _all(connection, _CONVERSATIONS, UUID(chat_id), limit)


async def messages(connection: "Connection", chat_id: str, *, limit: int) -> list[Found]:
    """The last messages of the chat, and of those merged with it, in the order of the log."""
    return (await _all(connection, _MESSAGES, UUID(chat_id), limit))[::-1]


def _place(before: Place | None) -> tuple[datetime | None, UUID | None]:
    return (before[0], UUID(before[1])) if before else (None, None)


async def _all(connection: "Connection", statement: str, *values: object) -> list[Found]:
    return [dict(row) for row in await connection.fetch(statement, *values)]


def _literal(words: str) -> str:
    """The words for LIKE, where nothing in them means more than itself."""
    for special in "!%_":
        words = words.replace(special, f"!{special}")
    return words
