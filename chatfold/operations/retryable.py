"""What can be tried again, and why the rest cannot."""

from dataclasses import dataclass

from chatfold.operations.words import ABOUT_FILES, JobStatus
from projections.queries import Found
from schemas.content import JobKind


@dataclass(frozen=True, slots=True)
class NotRetryable:
    """A delivery or a job that cannot be tried again, as far as the tables know."""

    name: str
    reason: str


def reply_refusal(row: Found) -> NotRetryable | None:
    """Why a delivery cannot be tried again: it waits for nothing."""
    if row["waiting_for"] is not None:
        return None
    status = str(row["status"])
    reason = f"it is {status}"
    if status in {"pending", "failed", "saved_only"}:
        reason = "it is on its way, or the tables do not know its end yet"
    return NotRetryable(str(row["reply_id"]), reason)


def job_refusal(row: Found) -> NotRetryable | None:
    """Why a job cannot be done again: only what is about a file can, if it failed or waits."""
    status, kind = row["status"], JobKind(str(row["kind"]))
    if kind not in ABOUT_FILES:
        return NotRetryable(str(row["job_id"]), f"what a model was to {kind} is late by now")
    if status in {JobStatus.FAILED, JobStatus.WAITING}:
        return None
    reason = "it is on its way" if status == JobStatus.RUNNING else f"it is {status}"
    return NotRetryable(str(row["job_id"]), reason)
