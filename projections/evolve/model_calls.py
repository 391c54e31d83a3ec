"""`model_calls`: every attempt at a job that has asked models, and what that took."""

from typing import assert_never

from projections.rows import Columns, Write, count, text
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "model_calls"
HANDLES = frozenset({facts.ModelCalled})


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:
    """The row of the attempt that has asked."""
    match recorded.data:
        case facts.ModelCalled() as fact:
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
            | facts.JobFailed()
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


def _columns(recorded: Recorded[Fact], fact: facts.ModelCalled) -> Columns:
    usage = fact.usage
    return {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "kind": fact.kind,
        "model": text(usage.model),
        "seconds": usage.seconds,
        "tokens_in": count(usage.tokens_in),
        "tokens_out": count(usage.tokens_out),
        "cost_micros": count(usage.cost_micros),
        "reused": usage.reused,
        "called_at": recorded.time,
    }
