"""`delivery_fallbacks`: from which attempt on a reply took another way than its chat's."""

from typing import assert_never

from projections.rows import Columns, Write, identifier, text
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "delivery_fallbacks"
HANDLES = frozenset({facts.FallbackChosen})


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:
    """The row of the way that was chosen."""
    match recorded.data:
        case facts.FallbackChosen() as fact:
            key = (fact.reply_id, fact.attempt)
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


def _columns(recorded: Recorded[Fact], fact: facts.FallbackChosen) -> Columns:
    return {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "number": fact.number,
        "channel": fact.platform,
        "provider": text(fact.provider),
        "account": text(fact.account),
        "recipient": identifier(fact.to),
        "chosen_at": recorded.time,
    }
