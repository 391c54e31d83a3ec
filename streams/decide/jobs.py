"""A job's way to its end: ordered, tried again a few times, or given up."""

from datetime import datetime, timedelta
from typing import Final, assert_never

from schemas.content import JobKind
from schemas.facts import JobAbandoned, JobFailed, JobRetryScheduled, JobRetryStarted
from schemas.inputs import JobReported
from schemas.job_failures import JobFailureCode
from schemas.work import (
    AskModel,
    GenerateAnswer,
    Order,
    ProcessMedia,
    SummariseConversation,
)
from streams.decide import backoff, evolve_jobs
from streams.decide.draft import Draft
from streams.decide.policy import Policy
from streams.decide.state import (
    AnswerWork,
    ChatState,
    FileWork,
    Job,
    PromptWork,
    SummaryWork,
)

PATIENCE: Final = timedelta(minutes=2)
"""Somebody waits for what a model says: one that wants to be left alone for longer has failed."""


def start(draft: Draft, job_id: str) -> None:
    """Order the attempt that the job's last fact has begun."""
    job = evolve_jobs.find(draft.state, job_id)
    assert job is not None  # the fact has just put it there
    draft.order(_order(draft.state, job))


def failed(draft: Draft, job: Job, told: JobReported) -> bool:
    """Record the failure and what follows; whether the job is given up."""
    draft.record(_failure(told))
    wait = _wait(draft.policy, job, told)
    if wait is None:
        code = told.error_code or ""
        draft.record(JobAbandoned(job_id=job.job_id, attempt=job.attempt, error_code=code))
        return True
    draft.record(JobRetryScheduled(job_id=job.job_id, attempt=job.attempt, due=draft.now + wait))
    return False


def wake(draft: Draft) -> None:
    """Try again what is due by now."""
    for job in evolve_jobs.opened(draft.state):
        if job.due is not None and job.due <= draft.now:
            draft.record(JobRetryStarted(job_id=job.job_id, attempt=job.attempt + 1))
            start(draft, job.job_id)


def due(state: ChatState) -> list[datetime]:
    """When jobs are to be tried again."""
    return [job.due for job in evolve_jobs.opened(state) if job.due is not None]


def retries(policy: Policy, kind: JobKind) -> tuple[timedelta, ...]:
    """How long after each failure a job of this kind is tried again."""
    match kind:
        case JobKind.STORE:
            return policy.media.store_retries if policy.media else ()
        case JobKind.TRANSCRIBE:
            return policy.media.transcribe_retries if policy.media else ()
        case JobKind.EXTRACT | JobKind.DESCRIBE:
            return policy.media.read_retries if policy.media else ()
        case JobKind.ANSWER | JobKind.SUMMARISE | JobKind.ASK:
            return policy.assistant.retries if policy.assistant else ()
        case _:
            assert_never(kind)


def _wait(policy: Policy, job: Job, told: JobReported) -> timedelta | None:
    """How long until the next attempt, None if there is none."""
    planned = retries(policy, job.kind)
    asked = backoff.asked_for(told.retry_after_seconds)
    is_awaited = not isinstance(job.work, FileWork)
    if not told.retryable or job.failures >= len(planned) or (is_awaited and asked > PATIENCE):
        return None
    return max(backoff.spread(planned[job.failures], job.job_id, job.attempt), asked)


def _failure(told: JobReported) -> JobFailed:
    return JobFailed(
        job_id=told.job_id,
        attempt=told.attempt,
        error_code=told.error_code or JobFailureCode.MALFORMED_ANSWER,
        error_message=told.error_message,
        retryable=told.retryable,
        started_at=told.started_at,
        finished_at=told.finished_at,
    )


def _order(state: ChatState, job: Job) -> Order:
    match job.work:
        case FileWork():
            return _file_order(job, job.work)
        case AnswerWork():
            return _answer_order(state, job, job.work)
        case SummaryWork():
            return SummariseConversation(
                job_id=job.job_id,
                attempt=job.attempt,
                conversation_id=job.work.conversation_id,
                conversation=job.work.said,
                summary=job.work.summary,
            )
        case PromptWork():
            return AskModel(job_id=job.job_id, attempt=job.attempt, prompt=job.work.prompt)
        case _:
            assert_never(job.work)


def _file_order(job: Job, work: FileWork) -> ProcessMedia:
    return ProcessMedia(
        job_id=job.job_id,
        attempt=job.attempt,
        kind=job.kind,
        message_id=work.message_id,
        message_kind=work.message_kind,
        provider=work.provider,
        account=work.account,
        media=work.media,
        stored=work.stored,
    )


def _answer_order(state: ChatState, job: Job, work: AnswerWork) -> GenerateAnswer:
    """What came while the model thinks is left out: it has its own turn."""
    known, profile = state.assisted, state.profile
    assert known is not None  # nothing is asked but by what was awaited
    later = {one.message_id for one in known.awaited}
    said = tuple(one for one in known.said if one.message_id not in later)
    asked = {one.message_id for one in work.answers}
    return GenerateAnswer(
        job_id=job.job_id,
        attempt=job.attempt,
        conversation=said,
        unanswered=tuple(one.message_id for one in said if one.message_id in asked),
        summary=known.summary,
        name=(profile.first_name or profile.username) if profile is not None else None,
    )
