"""What the API takes, as pydantic checks it and the OpenAPI document tells it."""

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from chatfold.operations.links import LONGEST as LONGEST_LINK
from chatfold.operations.words import Awaited, JobStatus, Status
from projections.queries import LONGEST_SEARCH
from schemas.content import Content, JobKind, Media, MessageKind

LONGEST_TEXT = 16_384
MOST_RETRIES = 10_000
MOST_RESUMES = 100_000


class Given(BaseModel):
    """What a client gives; fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*")
    @classmethod
    def _storable(cls, value: object) -> object:
        """U+0000 is in no text that PostgreSQL holds."""
        if isinstance(value, str) and "\x00" in value:
            raise ValueError("must not contain U+0000")
        return value


class Nothing(Given):
    """No parameter, and no field."""


Tenant = Annotated[str | None, Field(max_length=63, description="id of a tenant")]
Cursor = Annotated[
    str | None, Field(max_length=200, description="`next_cursor` of the page before")
]
Limit = Annotated[int, Field(ge=1, le=500, description="at most so many")]
Word = Annotated[str, Field(min_length=1, max_length=200)]


def _utc(moment: datetime) -> datetime:
    if not 1970 <= moment.year < 9000:
        raise ValueError("must be between 1970 and 9000")
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_utc)]


class Filter(Given):
    """Which deliveries or jobs: all that is given must hold."""

    tenant: Tenant = None
    chat_id: UUID | None = None
    error_code: Word | None = None
    since: Moment | None = Field(None, description="created then or later")
    until: Moment | None = Field(None, description="created before then")

    @property
    def chat(self) -> str | None:
        """The chat's id as text."""
        return str(self.chat_id) if self.chat_id else None


class Bulk(Filter):
    """Which of those that can be tried again."""

    limit: int = Field(1_000, ge=1, le=MOST_RETRIES, description="at most so many")
    cursor: Cursor = None
    dry_run: bool = Field(default=False, description="only count")


class OfDeliveries(Filter):
    """What only deliveries have."""

    provider: Word | None = None
    account: Word | None = None
    waiting_for: list[Awaited] = Field([], max_length=2, description="only what waits for these")


class DeliveryQuery(OfDeliveries):
    """Which deliveries to list."""

    status: list[Status] = Field([], max_length=8, description="one of these; all if none is given")
    limit: Limit = 50
    cursor: Cursor = None


class RetryFilter(OfDeliveries, Bulk):
    """Which deliveries to try again: those that wait, and match all that is given.

    `saved_only` ones may have arrived already, and are only taken where `status` names them.
    """

    status: list[Literal["failed", "saved_only"]] = Field(["failed"], min_length=1, max_length=2)


class JobQuery(Filter):
    """Which jobs to list."""

    kind: list[JobKind] = Field([], max_length=7, description="one of these; all if none is given")
    status: list[JobStatus] = Field(
        [], max_length=5, description="one of these; all if none is given"
    )
    limit: Limit = 50
    cursor: Cursor = None


class JobRetryFilter(Bulk):
    """Which jobs about files to do again: those that have failed, and match all that is given."""

    kind: list[Literal["store", "transcribe", "extract", "describe"]] = Field(
        [], max_length=4, description="one of these; all if none is given"
    )


class SearchQuery(Given):
    """Which words to look for, as for a search engine: `invoice "last year" -draft`."""

    q: str = Field(min_length=1, max_length=LONGEST_SEARCH, description="the words")
    tenant: Tenant = None
    chat_id: UUID | None = None
    since: Moment | None = Field(None, description="in messages of then or later")
    until: Moment | None = Field(None, description="in messages of before then")
    limit: Annotated[int, Field(ge=1, le=100, description="at most so many")] = 20


class LinkQuery(Given):
    """How long links hold."""

    seconds: int = Field(3_600, ge=1, le=int(LONGEST_LINK.total_seconds()))


class ChatQuery(Given):
    """Which chats to list."""

    tenant: Tenant = None
    paused: bool | None = Field(None, description="only chats that are paused, or that are not")
    limit: Limit = 50
    cursor: Cursor = None


class ResumeQuery(Given):
    """How many paused chats to look at."""

    limit: int = Field(10_000, ge=1, le=MOST_RESUMES)


class File(Given):
    """A file by the provider's id of it or by an https address; `name` is what it is called."""

    kind: Literal["image", "audio", "voice", "video", "document", "sticker"]
    reference: str = Field(min_length=1, max_length=2_048)
    mime: Word | None = None
    name: Word | None = None
    caption: str | None = Field(None, max_length=4_096)


class Message(Given):
    """A message to send: either `text` or `file`.

    `reply_to` is the platform's id of the message that it answers.
    """

    text: str | None = Field(None, min_length=1, max_length=LONGEST_TEXT)
    file: File | None = None
    reply_to: Word | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.file is None):
            raise ValueError("give either text or file")
        if self.text is not None and not self.text.strip():
            raise ValueError("text must not be blank")
        return self

    @property
    def content(self) -> Content:
        """The same in the words of the log."""
        if self.file is None:
            return Content(kind=MessageKind.TEXT, text=self.text)
        file = self.file
        media = Media(reference=file.reference, mime=file.mime, file_name=file.name)
        return Content(kind=MessageKind(file.kind), media=media, caption=file.caption)
