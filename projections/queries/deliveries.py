"""Replies and how their sending stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from projections.queries.asking import Found, Place, place_of, rows

if TYPE_CHECKING:
    from projections.queries.asking import Connection


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
        *place_of(before),
        limit,
    )
    if wanted.waiting_for:
        statement = _WAITING_DELIVERIES + _WANTED
        return await rows(connection, statement, *values, list(wanted.waiting_for))
    return await rows(connection, _ALL_DELIVERIES + _WANTED, *values)


async def delivery(connection: "Connection", reply_id: str) -> Found | None:
    """One reply with every attempt to send it, None if there is no such reply."""
    found = await rows(connection, _DELIVERY, UUID(reply_id))
    if not found:
        return None
    return found[0] | {"attempts": await rows(connection, _ATTEMPTS, UUID(reply_id))}
