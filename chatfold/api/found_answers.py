"""What the API gives of jobs, and of words that were looked for."""

from datetime import datetime
from uuid import UUID

from chatfold.api.answers import Told
from chatfold.operations.words import Field, JobStatus
from schemas.content import JobKind, MessageKind, Platform


class Job(Told):
    """What an agent is asked to do beside sending, and how far it is.

    `message_id` is the message whose file it is about, or that it is to answer; `error_code` and
    `last_error` are of the last attempt that failed. Tokens, seconds and `cost_micros` (millionths
    of a US dollar, null where no price is known) are what all attempts together took.
    """

    job_id: UUID
    tenant_id: str
    chat_id: UUID
    kind: JobKind
    status: JobStatus
    attempts: int
    error_code: str | None
    last_error: str | None
    next_attempt_at: datetime | None
    message_id: UUID | None
    conversation_id: UUID | None
    message_kind: MessageKind | None
    platform_message_id: str | None
    media_mime: str | None
    preview: str | None
    model: str | None
    tokens_in: int | None
    tokens_out: int | None
    cost_micros: int | None
    seconds: float | None
    created_at: datetime
    updated_at: datetime


class JobAttempt(Told):
    """One attempt at a job: how it failed, what it asked of a model, or both.

    Where an earlier result was `reused`, nothing was paid.
    """

    attempt: int
    error_code: str | None
    error_message: str | None
    retryable: bool | None
    started_at: datetime | None
    finished_at: datetime | None
    model: str | None
    tokens_in: int | None
    tokens_out: int | None
    cost_micros: int | None
    seconds: float | None
    reused: bool | None
    called_at: datetime | None


class JobWithAttempts(Job):
    """A job with each attempt that failed or has asked a model."""

    attempts_made: list[JobAttempt]


class Jobs(Told):
    """A page of jobs, the latest first."""

    jobs: list[Job]
    next_cursor: str | None


class FileLinks(Told):
    """A message's file; its links hold until `expires_at`, and a folder's for ever."""

    message_id: UUID
    tenant_id: str
    chat_id: UUID
    kind: MessageKind
    name: str | None
    mime: str | None
    size: int | None
    sha256: str | None
    url: str
    thumbnail_url: str | None
    expires_at: datetime


class Passage(Told):
    """A piece of text; `is_match` if it is what was looked for."""

    text: str
    is_match: bool


class FoundIn(Told):
    """Where in a message the words are: parts of the field in a row."""

    field: Field
    snippet: list[Passage]


class Hit(Told):
    """A message that holds the words; a greater `rank` fits better."""

    message_id: UUID
    tenant_id: str
    chat_id: UUID
    platform: Platform | None
    platform_user_id: str | None
    phone_e164: str | None
    username: str | None
    first_name: str | None
    last_name: str | None
    origin: str
    kind: MessageKind
    created_at: datetime
    rank: float
    found: list[FoundIn]


class Hits(Told):
    """What was found, the best first; of very many, only the latest are looked at."""

    hits: list[Hit]
