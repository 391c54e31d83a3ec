"""`job_failures`: every attempt at a job that came to nothing, and why."""

from typing import assert_never

from projections.rows import Columns, Write, text
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "job_failures"
HANDLES = frozenset({facts.JobFailed})


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:
    """The row of the attempt that failed."""
    match recorded.data:
        case facts.JobFailed() as fact:
            key = (fact.job_id, fact.attempt)
            return (Write(TABLE, key, recorded.sequence, _columns(recorded, fact), {}),)
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
            | facts.MediaJobRequested()
            | facts.MediaStored()
            | facts.MediaTranscribed()
            | facts.MediaTextExtracted()
            | facts.MediaDescribed()
            | facts.ModelCalled()
            | facts.JobRetryScheduled()
            | facts.JobRetryStarted()
            | facts.JobRetryRequested()
            | facts.JobAbandoned()
            | facts.AssistantJoined()
            | facts.AnswerAwaited()
            | facts.AnswerRequested()
            | facts.AnswerGiven()
            | facts.AnswerDiscarded()
            | facts.SummaryRequested()
            | facts.ConversationSummarised()
            | facts.PromptAsked()
            | facts.PromptAnswered()
        ):
            return ()
        case _ as never:
            assert_never(never)


def _columns(recorded: Recorded[Fact], fact: facts.JobFailed) -> Columns:
    return {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "error_code": text(fact.error_code),
        "error_message": text(fact.error_message),
        "retryable": fact.retryable,
        "started_at": fact.started_at,
        "finished_at": fact.finished_at,
    }
