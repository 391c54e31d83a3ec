"""`sessions`: the state that a chat is in, special mode and pause."""

from typing import assert_never

from projections.rows import Columns, Write, text
from schemas import facts
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "sessions"
_RESUMED: Columns = {
    "is_paused": False,
    "pause_reason": None,
    "paused_at": None,
    "paused_by": None,
}
HANDLES = frozenset(
    {
        facts.ChatStarted,
        facts.MessageReceived,
        facts.ReplyGenerated,
        facts.ModeEntered,
        facts.ModeLeft,
        facts.BotPaused,
        facts.BotResumed,
    }
)


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:  # noqa: C901, PLR0912  # one case for each fact
    """What the fact changes in the row of the chat's session."""
    match recorded.data:
        case facts.ChatStarted():
            return (_started(recorded),)
        case facts.MessageReceived() as fact:
            columns: Columns = {"last_message_at": recorded.time}
            if fact.origin is Origin.HUMAN:
                columns = {**columns, "last_human_at": recorded.time}
            return (_patch(recorded, columns),)
        case facts.ReplyGenerated() as fact:
            columns = {"last_message_at": recorded.time}
            if fact.origin is Origin.OPERATOR:
                columns = {**columns, "last_human_at": recorded.time}
            return (_patch(recorded, columns),)
        case facts.BotPaused() as fact:
            return (_patch(recorded, _paused(recorded, fact)),)
        case facts.BotResumed():
            return (_patch(recorded, _RESUMED),)
        case facts.ModeEntered() as fact:
            return (_patch(recorded, {"mode": text(fact.mode), "mode_until": fact.until}),)
        case facts.ModeLeft():
            return (_patch(recorded, {"mode": None, "mode_until": None}),)
        case (
            facts.AliasLearned()
            | facts.ChatMoved()
            | facts.ChatMerged()
            | facts.ProfileChanged()
            | facts.ConversationOpened()
            | facts.MessageEdited()
            | facts.MessageDeleted()
            | facts.NoticeRecorded()
            | facts.InputUnrecognised()
            | facts.HandlerFailed()
            | facts.QuestionAsked()
            | facts.QuestionAnswered()
            | facts.MessageSent()
            | facts.MessageSendFailed()
            | facts.MessageSendUnconfirmed()
            | facts.MessageStatusReported()
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


def _paused(recorded: Recorded[Fact], fact: facts.BotPaused) -> Columns:
    return {
        "is_paused": True,
        "pause_reason": fact.reason,
        "paused_at": recorded.time,
        "paused_by": text(fact.by),
    }


def _started(recorded: Recorded[Fact]) -> Write:
    return Write(
        TABLE,
        (recorded.chat_id,),
        recorded.sequence,
        {"tenant_id": recorded.tenant, "updated_at": recorded.time},
        {"is_paused": False, "created_at": recorded.time},
    )


def _patch(recorded: Recorded[Fact], columns: Columns) -> Write:
    assigned = {**columns, "updated_at": recorded.time}
    return Write(TABLE, (recorded.chat_id,), recorded.sequence, assigned)
