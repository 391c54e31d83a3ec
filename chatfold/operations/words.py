"""How deliveries and jobs stand and what they wait for, in the words that operators are given."""

from enum import StrEnum
from typing import Final

from schemas.content import JobKind


class Awaited(StrEnum):
    """What a delivery waits for before it is tried again."""

    RETRY = "retry"
    OPERATOR = "operator"


class Status(StrEnum):
    """How a delivery stands; `saved_only`: not attempted, or nobody knows whether it arrived."""

    PENDING = "pending"
    SAVED_ONLY = "saved_only"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    DELETED = "deleted"


class JobStatus(StrEnum):
    """How a job stands; `waiting`: for its next attempt; `discarded`: nobody wants it any more."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DISCARDED = "discarded"


class Field(StrEnum):
    """Where in a message words are found: what was written, or what is in its file."""

    TEXT = "text"
    CAPTION = "caption"
    FILE_NAME = "file_name"
    TRANSCRIPT = "transcript"
    IMAGE_DESCRIPTION = "image_description"
    EXTRACTED = "extracted"


ABOUT_FILES: Final = (JobKind.STORE, JobKind.TRANSCRIBE, JobKind.EXTRACT, JobKind.DESCRIBE)
"""The kinds of job that can be done again: what a model was to say is late by then."""
