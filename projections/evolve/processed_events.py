"""`processed_events`: what was done with each input that a provider sent."""

from typing import assert_never

from projections.rows import Columns, Write, identifier
from schemas import facts
from schemas.content import ActionTaken, MessageKind, Origin
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "processed_events"
HANDLES = frozenset(
    {
        facts.MessageReceived,
        facts.MessageImported,
        facts.EchoHeld,
        facts.EchoRecognised,
        facts.MessageEdited,
        facts.MessageDeleted,
        facts.NoticeRecorded,
        facts.InputUnrecognised,
        facts.MessageStatusReported,
        facts.AnswerGiven,
        facts.AnswerDiscarded,
    }
)


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:  # noqa: C901, PLR0911, PLR0912  # one case for each fact
    """The row of the input that the fact has settled."""
    match recorded.data:
        case facts.MessageReceived() as fact:
            return _done(recorded, fact.platform_message_id, _event_type(fact), fact.action)
        case facts.MessageImported() as fact:
            return _done(recorded, fact.platform_message_id, "history", fact.action)
        case facts.EchoHeld() | facts.EchoRecognised() as fact:
            return _done(recorded, fact.platform_message_id, "echo", fact.action)
        case facts.MessageEdited() as fact:
            return _done(recorded, fact.source_id, "edit", fact.action)
        case facts.MessageDeleted() as fact:
            return _done(recorded, fact.source_id, "delete", fact.action)
        case facts.NoticeRecorded() as fact:
            return _done(recorded, fact.source_id, "system", fact.action)
        case facts.InputUnrecognised() as fact:
            return _done(recorded, fact.source_id, "unrecognised", fact.action)
        case facts.MessageStatusReported() as fact:
            event_type = f"status.{fact.status}"
            return _done(recorded, fact.platform_message_id, event_type, fact.action)
        case facts.AnswerGiven() | facts.AnswerDiscarded() as fact:
            return tuple(_answered(recorded, name, fact.action) for name in fact.answers)
        case (
            facts.AliasLearned()
            | facts.ChatMoved()
            | facts.ChatMerged()
            | facts.ChatStarted()
            | facts.ProfileChanged()
            | facts.ConversationOpened()
            | facts.HandlerFailed()
            | facts.QuestionAsked()
            | facts.QuestionAnswered()
            | facts.ReplyGenerated()
            | facts.MessageSent()
            | facts.MessageSendFailed()
            | facts.MessageSendUnconfirmed()
            | facts.ModeEntered()
            | facts.ModeLeft()
            | facts.ConversationClosing()
            | facts.ConversationClosed()
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
            | facts.JobFailed()
            | facts.JobRetryScheduled()
            | facts.JobRetryStarted()
            | facts.JobRetryRequested()
            | facts.JobAbandoned()
            | facts.AssistantJoined()
            | facts.AnswerAwaited()
            | facts.AnswerRequested()
            | facts.SummaryRequested()
            | facts.ConversationSummarised()
            | facts.PromptAsked()
            | facts.PromptAnswered()
        ):
            return ()
        case _ as never:
            assert_never(never)


def _event_type(fact: facts.MessageReceived) -> str:
    if fact.origin is not Origin.USER:
        return "echo"
    return "reaction" if fact.content.kind is MessageKind.REACTION else "message"


def _answered(recorded: Recorded[Fact], message_id: str, action: ActionTaken) -> Write:
    """What became of a message after it was recorded; a model answers nothing but messages."""
    key = (recorded.tenant, identifier(message_id), "message", recorded.chat_id)
    return Write(TABLE, key, recorded.sequence, {"action_taken": action})


def _done(
    recorded: Recorded[Fact], message_id: str, event_type: str, action: ActionTaken
) -> tuple[Write, ...]:
    key = (recorded.tenant, identifier(message_id), event_type, recorded.chat_id)
    assigned: Columns = {"action_taken": action, "processed_at": recorded.time}
    return (Write(TABLE, key, recorded.sequence, assigned, {}),)
