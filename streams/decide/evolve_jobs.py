"""What the facts of jobs change in a chat's state: which have not ended, and what each is for."""

from collections.abc import Callable
from typing import Final, assert_never

from msgspec.structs import replace

from schemas.content import JobKind
from schemas.facts import (
    JobAbandoned,
    JobFailed,
    JobRetryRequested,
    JobRetryScheduled,
    JobRetryStarted,
    MediaJobRequested,
    MediaStored,
    ModelCalled,
    PromptAnswered,
    PromptAsked,
)
from streams.decide.state import (
    DROPPED,
    GIVEN_UP,
    ChatState,
    Dropped,
    FileWork,
    Job,
    Jobs,
    PromptWork,
)

NONE: Final = Jobs()

JobFact = (
    MediaJobRequested
    | MediaStored
    | ModelCalled
    | JobFailed
    | JobRetryScheduled
    | JobRetryStarted
    | JobRetryRequested
    | JobAbandoned
    | PromptAsked
    | PromptAnswered
)


def apply(after: ChatState, fact: JobFact) -> None:  # noqa: C901, PLR0912  # one arm a fact
    """A job has begun, ended, or is tried again."""
    match fact:
        case MediaJobRequested():
            _file_begun(after, fact)
        case MediaStored() | PromptAnswered():
            ended(after, fact.job_id)
        case ModelCalled():
            _counted(after, fact.job_id)
        case JobFailed():
            _change(after, fact.job_id, lambda job: replace(job, failures=job.failures + 1))
        case JobRetryScheduled():
            _change(after, fact.job_id, lambda job: replace(job, due=fact.due))
        case JobRetryStarted():
            _change(after, fact.job_id, lambda job: replace(job, attempt=fact.attempt, due=None))
        case JobRetryRequested():
            _requested(after, fact)
        case JobAbandoned():
            _abandoned(after, fact.job_id)
        case PromptAsked():
            _prompted(after, fact)
        case _:
            assert_never(fact)


def opened(state: ChatState) -> tuple[Job, ...]:
    """The chat's jobs that have not ended."""
    return () if state.jobs is None else state.jobs.open


def find(state: ChatState, job_id: str) -> Job | None:
    """The job, if it has not ended."""
    return next((job for job in opened(state) if job.job_id == job_id), None)


def given_up(state: ChatState, job_id: str) -> Job | None:
    """The job, if it came to nothing and an operator can have it done again."""
    known = () if state.jobs is None else state.jobs.given_up
    return next((job for job in known if job.job_id == job_id), None)


def begun(after: ChatState, job: Job) -> None:
    """A job is with an agent for the first time."""
    jobs = after.jobs or NONE
    after.jobs = replace(jobs, open=(*jobs.open, job))


def is_remembered(state: ChatState, job_id: str) -> bool:
    """Whether the job has not ended, or can be done again."""
    return find(state, job_id) is not None or given_up(state, job_id) is not None


def _file_begun(after: ChatState, fact: MediaJobRequested) -> None:
    """A file is to be stored or read."""
    work = FileWork(
        fact.message_id, fact.message_kind, fact.provider, fact.account, fact.media, fact.stored
    )
    begun(after, Job(fact.job_id, fact.kind, work))


def _prompted(after: ChatState, fact: PromptAsked) -> None:
    """A handler waits for the model."""
    work = PromptWork(fact.prompt, fact.handler, fact.provider, fact.account, fact.in_reply_to)
    begun(after, Job(fact.job_id, JobKind.ASK, work))


def ended(after: ChatState, job_id: str) -> None:
    """A job has ended, well or not."""
    if after.jobs is not None:
        left = tuple(job for job in after.jobs.open if job.job_id != job_id)
        _keep(after, replace(after.jobs, open=left))


def _requested(after: ChatState, fact: JobRetryRequested) -> None:
    """The job is with an agent again, and may fail as often as a new one."""
    job = find(after, fact.job_id) or given_up(after, fact.job_id)
    if job is None or after.jobs is None:
        return
    again = replace(job, attempt=fact.attempt, failures=0, due=None)
    others = tuple(one for one in after.jobs.open if one.job_id != job.job_id)
    rest = tuple(one for one in after.jobs.given_up if one.job_id != job.job_id)
    after.jobs = replace(after.jobs, open=(*others, again), given_up=rest)


def _abandoned(after: ChatState, job_id: str) -> None:
    """A job has come to nothing; one that was for a file can be done again by hand."""
    job = find(after, job_id)
    ended(after, job_id)
    if job is not None and isinstance(job.work, FileWork):
        jobs = after.jobs or NONE
        after.jobs = replace(jobs, given_up=(*jobs.given_up[-GIVEN_UP + 1 :], job))


def dropped(after: ChatState, job_id: str) -> None:
    """Nobody waits for a job any more; what an attempt on its way costs is still recorded."""
    job = find(after, job_id)
    ended(after, job_id)
    if job is not None and job.due is None:
        jobs = after.jobs or NONE
        one = Dropped(job.job_id, job.kind, job.attempt)
        after.jobs = replace(jobs, dropped=(*jobs.dropped[-DROPPED + 1 :], one))


def _counted(after: ChatState, job_id: str) -> None:
    """What a dropped job cost is recorded; nothing more is heard of it."""
    if after.jobs is not None and after.jobs.dropped:
        left = tuple(one for one in after.jobs.dropped if one.job_id != job_id)
        _keep(after, replace(after.jobs, dropped=left))


def _change(after: ChatState, job_id: str, change: Callable[[Job], Job]) -> None:
    if after.jobs is not None:
        changed = tuple(change(job) if job.job_id == job_id else job for job in after.jobs.open)
        after.jobs = replace(after.jobs, open=changed)


def _keep(after: ChatState, jobs: Jobs) -> None:
    after.jobs = None if jobs == NONE else jobs
