"""Jobs: what agents are asked to do beside sending, and how far each is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from projections.queries.asking import Found, Place, place_of, rows

if TYPE_CHECKING:
    from projections.queries.asking import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedJobs:
    """Which jobs; what is None or empty does not matter. `until` itself is left out."""

    tenant: str | None = None
    chat_id: str | None = None
    kinds: Sequence[str] = ()
    statuses: Sequence[str] = ()
    error_code: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_JOBS: Final = """
SELECT j.job_id, j.tenant_id, j.chat_id::text, j.kind, j.status::text, j.attempts, j.error_code,
       j.last_error, j.next_attempt_at, j.message_id::text, j.conversation_id::text,
       j.message_kind::text, j.platform_message_id, j.media_mime, j.preview, j.model, j.tokens_in,
       j.tokens_out, j.cost_micros, j.seconds, j.created_at, j.updated_at
FROM message_processing_jobs j
WHERE true
"""
# What the index of jobs that are not done can be used for must be said in its words.
_NOT_DONE: Final = "AND j.status <> 'succeeded'"
_WANTED: Final = """
  AND ($1::text IS NULL OR j.tenant_id = $1)
  AND ($2::uuid IS NULL OR j.chat_id IN (SELECT merged_chats(surviving_chat($2))))
  AND ($3::text[] = '{}' OR j.kind = ANY($3))
  AND ($4::text[] = '{}' OR j.status::text = ANY($4))
  AND ($5::text IS NULL OR j.error_code = $5)
  AND ($6::timestamptz IS NULL OR j.created_at >= $6)
  AND ($7::timestamptz IS NULL OR j.created_at < $7)
  AND ($8::timestamptz IS NULL OR (j.created_at, j.job_id) < ($8, $9::uuid::text))
ORDER BY j.created_at DESC, j.job_id DESC
LIMIT $10
"""
_JOB: Final = _JOBS + "AND j.job_id = $1"
_ATTEMPTS: Final = """
SELECT attempt, f.error_code, f.error_message, f.retryable, f.started_at, f.finished_at, c.model,
       c.tokens_in, c.tokens_out, c.cost_micros, c.seconds, c.reused, c.called_at
FROM (SELECT * FROM job_failures WHERE job_id = $1) f
FULL JOIN (SELECT * FROM model_calls WHERE job_id = $1) c USING (attempt)
ORDER BY attempt
"""


async def jobs(
    connection: "Connection", wanted: WantedJobs, *, before: Place | None, limit: int
) -> list[Found]:
    """Jobs, the latest first; the next page is `before` a place."""
    are_open = wanted.statuses and "succeeded" not in wanted.statuses
    return await rows(
        connection,
        f"{_JOBS}{_NOT_DONE if are_open else ''}{_WANTED}",
        wanted.tenant,
        UUID(wanted.chat_id) if wanted.chat_id else None,
        list(wanted.kinds),
        list(wanted.statuses),
        wanted.error_code,
        wanted.since,
        wanted.until,
        *place_of(before),
        limit,
    )


async def job(connection: "Connection", job_id: str) -> Found | None:
    """One job with each attempt that failed or has asked a model, None if there is no such job."""
    found = await rows(connection, _JOB, str(UUID(job_id)))
    if not found:
        return None
    return found[0] | {"attempts_made": await rows(connection, _ATTEMPTS, str(UUID(job_id)))}
