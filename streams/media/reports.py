"""How an attempt at a job on a file ended, in the words of the log; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from schemas.content import StoredMedia, Usage
from schemas.inputs import JobReported
from schemas.work import ProcessMedia
from streams.media.failures import Failed
from streams.media.texts import plain, storable

LONGEST_DETAIL: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an attempt came to."""

    stored: StoredMedia | None = None
    text: str | None = None
    language: str | None = None
    pages: int | None = None
    pages_seen: int | None = None
    usage: Usage | None = None


Ended = Found | Failed


def reported(
    order: ProcessMedia,
    ended: Ended,
    *,
    started_at: datetime,
    finished_at: datetime,
    secrets: Iterable[str] = (),
) -> JobReported:
    """The report of an attempt, without `secrets`."""
    found = ended if isinstance(ended, Found) else Found(usage=ended.usage)
    failed = ended if isinstance(ended, Failed) else None
    return JobReported(
        job_id=order.job_id,
        attempt=order.attempt,
        started_at=started_at,
        finished_at=finished_at,
        stored=found.stored,
        text=None if found.text is None else storable(found.text),
        language=found.language,
        pages=found.pages,
        pages_seen=found.pages_seen,
        usage=found.usage,
        error_code=failed.code if failed else None,
        error_message=_clean(failed.detail, secrets) if failed else None,
        retryable=failed is not None and failed.retryable,
        retry_after_seconds=failed.retry_after_seconds if failed else None,
    )


def _clean(detail: str, secrets: Iterable[str]) -> str:
    for secret in filter(None, secrets):
        detail = detail.replace(secret, "***")
    return plain(detail)[:LONGEST_DETAIL]
