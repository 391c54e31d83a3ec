"""`processing_jobs`: what agents are asked to do beside sending, and how far it is."""

from typing import Final

from projections.rows import Columns, Write, text
from projections.rules import Writes, on
from schemas import facts, identity
from schemas.content import DiscardReason, JobKind
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "processing_jobs"

_Retried = facts.JobRetryStarted | facts.JobRetryRequested
_Found = (
    facts.MediaStored | facts.MediaTranscribed | facts.MediaTextExtracted | facts.MediaDescribed
)


def _media(recorded: Recorded[Fact], fact: facts.MediaJobRequested) -> Writes:
    return _requested(recorded, fact.job_id, fact.kind, message_id=fact.message_id)


def _answer(recorded: Recorded[Fact], fact: facts.AnswerRequested) -> Writes:
    return _requested(
        recorded,
        fact.job_id,
        JobKind.ANSWER,
        message_id=fact.answers[-1] if fact.answers else None,
        conversation_id=fact.conversation_id,
    )


def _summary(recorded: Recorded[Fact], fact: facts.SummaryRequested) -> Writes:
    kind, of = JobKind.SUMMARISE, fact.conversation_id
    return _requested(recorded, fact.job_id, kind, conversation_id=of)


def _prompt(recorded: Recorded[Fact], fact: facts.PromptAsked) -> Writes:
    message_id = identity.message_id(chat=recorded.chat_id, platform_message_id=fact.in_reply_to)
    return _requested(recorded, fact.job_id, JobKind.ASK, message_id=message_id)


def _requested(
    recorded: Recorded[Fact],
    job_id: str,
    kind: JobKind,
    *,
    message_id: str | None = None,
    conversation_id: str | None = None,
) -> Writes:
    """A job is ordered in the moment in which it is decided."""
    columns: Columns = {
        "kind": kind,
        "message_id": message_id,
        "conversation_id": conversation_id,
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "status": "running",
        "attempts": 1,
        "updated_at": recorded.time,
    }
    return (Write(TABLE, (job_id,), recorded.sequence, columns, {"created_at": recorded.time}),)


def _found(recorded: Recorded[Fact], fact: _Found) -> Writes:
    return _ended(recorded, fact.job_id, "succeeded", {"attempts": fact.attempt})


def _failed(recorded: Recorded[Fact], fact: facts.JobFailed) -> Writes:
    """The latest error stays also when a later attempt succeeds."""
    told = f"{fact.error_code}: {fact.error_message}" if fact.error_message else fact.error_code
    columns: Columns = {
        "attempts": fact.attempt,
        "error_code": text(fact.error_code),
        "last_error": text(told),
    }
    return _ended(recorded, fact.job_id, "failed", columns)


def _scheduled(recorded: Recorded[Fact], fact: facts.JobRetryScheduled) -> Writes:
    return _patch(recorded, fact.job_id, {"status": "waiting", "next_attempt_at": fact.due})


def _retried(recorded: Recorded[Fact], fact: _Retried) -> Writes:
    columns: Columns = {"status": "running", "attempts": fact.attempt, "next_attempt_at": None}
    return _patch(recorded, fact.job_id, columns)


def _abandoned(recorded: Recorded[Fact], fact: facts.JobAbandoned) -> Writes:
    columns: Columns = {"attempts": fact.attempt, "error_code": text(fact.error_code)}
    return _ended(recorded, fact.job_id, "failed", columns)


def _given(recorded: Recorded[Fact], fact: facts.AnswerGiven) -> Writes:
    return _ended(recorded, fact.job_id, "failed" if fact.usage is None else "succeeded")


def _discarded(recorded: Recorded[Fact], fact: facts.AnswerDiscarded) -> Writes:
    """Where the model was not asked yet, there is no job."""
    if fact.job_id is None:
        return ()
    status = "failed" if fact.reason is DiscardReason.FAILED else "discarded"
    return _ended(recorded, fact.job_id, status)


def _summarised(recorded: Recorded[Fact], fact: facts.ConversationSummarised) -> Writes:
    return _ended(recorded, fact.job_id, "succeeded")


def _prompted(recorded: Recorded[Fact], fact: facts.PromptAnswered) -> Writes:
    return _ended(recorded, fact.job_id, "failed" if fact.error is not None else "succeeded")


def _ended(
    recorded: Recorded[Fact], job_id: str, status: str, columns: Columns | None = None
) -> Writes:
    return _patch(recorded, job_id, {**(columns or {}), "status": status, "next_attempt_at": None})


def _patch(recorded: Recorded[Fact], job_id: str, columns: Columns) -> Writes:
    assigned = {**columns, "updated_at": recorded.time}
    return (Write(TABLE, (job_id,), recorded.sequence, assigned),)


RULES: Final = (
    on(facts.MediaJobRequested, _media),
    on(facts.AnswerRequested, _answer),
    on(facts.SummaryRequested, _summary),
    on(facts.PromptAsked, _prompt),
    on(facts.MediaStored, _found),
    on(facts.MediaTranscribed, _found),
    on(facts.MediaTextExtracted, _found),
    on(facts.MediaDescribed, _found),
    on(facts.JobFailed, _failed),
    on(facts.JobRetryScheduled, _scheduled),
    on(facts.JobRetryStarted, _retried),
    on(facts.JobRetryRequested, _retried),
    on(facts.JobAbandoned, _abandoned),
    on(facts.AnswerGiven, _given),
    on(facts.AnswerDiscarded, _discarded),
    on(facts.ConversationSummarised, _summarised),
    on(facts.PromptAnswered, _prompted),
)
