"""Which jobs a message's file leads to: it is stored, and then what can be read of it is."""

from collections.abc import Iterator
from typing import Final

from schemas.content import JobKind, MessageKind, StoredMedia
from schemas.facts import (
    MediaDescribed,
    MediaJobRequested,
    MediaStored,
    MediaTextExtracted,
    MediaTranscribed,
    MessageReceived,
)
from schemas.inputs import JobReported
from streams.decide import jobs
from streams.decide.draft import Draft
from streams.decide.policy import MediaPolicy
from streams.decide.state import FileWork, Job

SPOKEN: Final = frozenset({MessageKind.VOICE, MessageKind.AUDIO})
SOUND: Final = ("audio/", "video/", "application/ogg")
"""How containers of sound are named by their content; MP4 and WebM are the same for pictures."""
PDF: Final = "application/pdf"


def store(draft: Draft, message: MessageReceived, *, provider: str, account: str) -> None:
    """Have a message's file stored, where it has one and the tenant wants it."""
    media = message.content.media
    if draft.policy.media is not None and media is not None:
        work = FileWork(message.message_id, message.content.kind, provider, account, media)
        _request(draft, JobKind.STORE, work)


def finish(draft: Draft, job: Job, work: FileWork, told: JobReported) -> None:
    """Record what a job has found, and have read what was stored."""
    text = told.text or ""
    if told.stored is not None:
        _stored(draft, job, work, told.stored)
    elif job.kind is JobKind.TRANSCRIBE:
        draft.record(
            MediaTranscribed(
                job_id=job.job_id,
                attempt=job.attempt,
                message_id=work.message_id,
                text=text,
                language=told.language,
            )
        )
    elif job.kind is JobKind.EXTRACT:
        draft.record(_extracted(job, work, told))
    else:
        draft.record(
            MediaDescribed(
                job_id=job.job_id, attempt=job.attempt, message_id=work.message_id, text=text
            )
        )


def readings(policy: MediaPolicy, kind: MessageKind, stored: StoredMedia) -> Iterator[JobKind]:
    """What can be read of a file, by what its content shows."""
    if kind in SPOKEN and stored.mime.startswith(SOUND) and policy.transcribes:
        yield JobKind.TRANSCRIBE
    if stored.mime == PDF and policy.reads_documents:
        yield JobKind.EXTRACT
    is_picture = stored.mime.startswith("image/") and kind is not MessageKind.STICKER
    if is_picture and policy.describes:
        yield JobKind.DESCRIBE


def _stored(draft: Draft, job: Job, work: FileWork, stored: StoredMedia) -> None:
    draft.record(
        MediaStored(
            job_id=job.job_id, attempt=job.attempt, message_id=work.message_id, stored=stored
        )
    )
    if draft.policy.media is not None:
        for kind in readings(draft.policy.media, work.message_kind, stored):
            _request(draft, kind, work, stored)


def _extracted(job: Job, work: FileWork, told: JobReported) -> MediaTextExtracted:
    return MediaTextExtracted(
        job_id=job.job_id,
        attempt=job.attempt,
        message_id=work.message_id,
        text=told.text or "",
        pages=told.pages,
        pages_seen=told.pages_seen,
    )


def _request(
    draft: Draft, kind: JobKind, work: FileWork, stored: StoredMedia | None = None
) -> None:
    job_id = draft.next_job_id()
    draft.record(
        MediaJobRequested(
            job_id=job_id,
            kind=kind,
            message_id=work.message_id,
            message_kind=work.message_kind,
            provider=work.provider,
            account=work.account,
            media=work.media,
            stored=stored,
        )
    )
    jobs.start(draft, job_id)
