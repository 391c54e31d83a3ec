"""`processing_jobs`: what agents are asked to do beside sending, and how far it is."""

from typing import assert_never

from projections.rows import Columns, Write, text
from schemas import facts, identity
from schemas.content import DiscardReason, JobKind
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "processing_jobs"
HANDLES = frozenset(
    {
        facts.MediaJobRequested,
        facts.AnswerRequested,
        facts.SummaryRequested,
        facts.PromptAsked,
        facts.MediaStored,
        facts.MediaTranscribed,
        facts.MediaTextExtracted,
        facts.MediaDescribed,
        facts.JobFailed,
        facts.JobRetryScheduled,
        facts.JobRetryStarted,
        facts.JobRetryRequested,
        facts.JobAbandoned,
        facts.AnswerGiven,
        facts.AnswerDiscarded,
        facts.ConversationSummarised,
        facts.PromptAnswered,
    }
)


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:  # noqa: C901, PLR0911, PLR0912  # one case for each fact
    """What the fact changes in the row of its job."""
    match recorded.data:
        case facts.MediaJobRequested() as fact:
            return (_requested(recorded, fact.job_id, fact.kind, message_id=fact.message_id),)
        case facts.AnswerRequested() as fact:
            return (_answer(recorded, fact),)
        case facts.SummaryRequested() as fact:
            kind, of = JobKind.SUMMARISE, fact.conversation_id
            return (_requested(recorded, fact.job_id, kind, conversation_id=of),)
        case facts.PromptAsked() as fact:
            return (_prompt(recorded, fact),)
        case (
            facts.MediaStored()
            | facts.MediaTranscribed()
            | facts.MediaTextExtracted()
            | facts.MediaDescribed()
        ) as fact:
            return (_ended(recorded, fact.job_id, "succeeded", {"attempts": fact.attempt}),)
        case facts.JobFailed() as fact:
            return (_ended(recorded, fact.job_id, "failed", _failure(fact)),)
        case facts.JobRetryScheduled() as fact:
            columns: Columns = {"status": "waiting", "next_attempt_at": fact.due}
            return (_patch(recorded, fact.job_id, columns),)
        case facts.JobRetryStarted() | facts.JobRetryRequested() as fact:
            columns = {"status": "running", "attempts": fact.attempt, "next_attempt_at": None}
            return (_patch(recorded, fact.job_id, columns),)
        case facts.JobAbandoned() as fact:
            columns = {"attempts": fact.attempt, "error_code": text(fact.error_code)}
            return (_ended(recorded, fact.job_id, "failed", columns),)
        case facts.AnswerGiven() as fact:
            status = "failed" if fact.usage is None else "succeeded"
            return (_ended(recorded, fact.job_id, status),)
        case facts.AnswerDiscarded() as fact:
            return _discarded(recorded, fact)
        case facts.ConversationSummarised() as fact:
            return (_ended(recorded, fact.job_id, "succeeded"),)
        case facts.PromptAnswered() as fact:
            status = "failed" if fact.error is not None else "succeeded"
            return (_ended(recorded, fact.job_id, status),)
        case (
            facts.ChatStarted()
            | facts.ProfileChanged()
            | facts.AliasLearned()
            | facts.ChatMoved()
            | facts.ChatMerged()
            | facts.ConversationOpened()
            | facts.MessageReceived()
            | facts.MessageEdited()
            | facts.MessageDeleted()
            | facts.NoticeRecorded()
            | facts.InputUnrecognised()
            | facts.HandlerFailed()
            | facts.QuestionAsked()
            | facts.QuestionAnswered()
            | facts.ReplyGenerated()
            | facts.MessageSent()
            | facts.MessageSendFailed()
            | facts.MessageSendUnconfirmed()
            | facts.MessageStatusReported()
            | facts.ModeEntered()
            | facts.ModeLeft()
            | facts.ConversationClosing()
            | facts.ConversationClosed()
            | facts.MessageImported()
            | facts.EchoHeld()
            | facts.EchoRecognised()
            | facts.MessageSendConfirmed()
            | facts.ConfirmationTimedOut()
            | facts.MessageSendWithheld()
            | facts.RetryScheduled()
            | facts.TemplateChosen()
            | facts.LaterRepliesReleased()
            | facts.RetryStarted()
            | facts.RetryRequested()
            | facts.FallbackChosen()
            | facts.DeliveryAbandoned()
            | facts.SendRequested()
            | facts.CloseRequested()
            | facts.CommandRefused()
            | facts.BotPaused()
            | facts.BotResumed()
            | facts.ModelCalled()
            | facts.AssistantJoined()
            | facts.AnswerAwaited()
        ):
            return ()
        case _ as never:
            assert_never(never)


def _answer(recorded: Recorded[Fact], fact: facts.AnswerRequested) -> Write:
    return _requested(
        recorded,
        fact.job_id,
        JobKind.ANSWER,
        message_id=fact.answers[-1] if fact.answers else None,
        conversation_id=fact.conversation_id,
    )


def _prompt(recorded: Recorded[Fact], fact: facts.PromptAsked) -> Write:
    message_id = identity.message_id(chat=recorded.chat_id, platform_message_id=fact.in_reply_to)
    return _requested(recorded, fact.job_id, JobKind.ASK, message_id=message_id)


def _requested(
    recorded: Recorded[Fact],
    job_id: str,
    kind: JobKind,
    *,
    message_id: str | None = None,
    conversation_id: str | None = None,
) -> Write:
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
    return Write(TABLE, (job_id,), recorded.sequence, columns, {"created_at": recorded.time})


def _failure(fact: facts.JobFailed) -> Columns:
    """The latest error stays also when a later attempt succeeds."""
    told = f"{fact.error_code}: {fact.error_message}" if fact.error_message else fact.error_code
    return {
        "attempts": fact.attempt,
        "error_code": text(fact.error_code),
        "last_error": text(told),
    }


def _discarded(recorded: Recorded[Fact], fact: facts.AnswerDiscarded) -> tuple[Write, ...]:
    """Where the model was not asked yet, there is no job."""
    if fact.job_id is None:
        return ()
    status = "failed" if fact.reason is DiscardReason.FAILED else "discarded"
    return (_ended(recorded, fact.job_id, status),)


def _ended(
    recorded: Recorded[Fact], job_id: str, status: str, columns: Columns | None = None
) -> Write:
    ended: Columns = {**(columns or {}), "status": status, "next_attempt_at": None}
    return _patch(recorded, job_id, ended)


def _patch(recorded: Recorded[Fact], job_id: str, columns: Columns) -> Write:
    assigned = {**columns, "updated_at": recorded.time}
    return Write(TABLE, (job_id,), recorded.sequence, assigned)
