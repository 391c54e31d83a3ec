"""`conversations`: when each began, how many messages it has, and why it ended."""

from typing import assert_never

from projections.rows import Columns, Write, text
from schemas import facts
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "conversations"
HANDLES = frozenset(
    {
        facts.ConversationOpened,
        facts.MessageImported,
        facts.MessageReceived,
        facts.ReplyGenerated,
        facts.ConversationClosing,
        facts.ConversationClosed,
        facts.ConversationSummarised,
    }
)


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:  # noqa: C901, PLR0912  # one case for each fact
    """What the fact changes in the row of its conversation."""
    match recorded.data:
        case facts.ConversationOpened() as fact:
            return (_opened(recorded, fact),)
        case facts.MessageReceived() as fact:
            return (_patch(recorded, fact.conversation_id, _received(recorded, fact)),)
        case facts.MessageImported() as fact:
            return (_imported(recorded, fact),)
        case facts.ReplyGenerated() as fact:
            columns: Columns = {"last_activity_at": recorded.time, "message_count": fact.number}
            return (_patch(recorded, fact.conversation_id, columns),)
        case facts.ConversationClosing() as fact:
            columns = {"status": "closing", "close_reason": fact.reason}
            return (_patch(recorded, fact.conversation_id, columns),)
        case facts.ConversationClosed() as fact:
            return (_patch(recorded, fact.conversation_id, _closed(recorded, fact)),)
        case facts.ConversationSummarised() as fact:
            columns = {"conversation_summary": text(fact.text)}
            return (_patch(recorded, fact.conversation_id, columns),)
        case (
            facts.AliasLearned()
            | facts.ChatMoved()
            | facts.ChatMerged()
            | facts.ChatStarted()
            | facts.ProfileChanged()
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
            | facts.ModeEntered()
            | facts.ModeLeft()
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
            | facts.PromptAsked()
            | facts.PromptAnswered()
        ):
            return ()
        case _ as never:
            assert_never(never)


def _opened(recorded: Recorded[Fact], fact: facts.ConversationOpened) -> Write:
    return Write(
        TABLE,
        (fact.conversation_id,),
        recorded.sequence,
        {
            "chat_id": recorded.chat_id,
            "tenant_id": recorded.tenant,
            "number": fact.number,
            "status": "open",
            "started_at": recorded.time,
            "last_activity_at": recorded.time,
            "message_count": 0,
        },
        {"created_at": recorded.time},
    )


def _imported(recorded: Recorded[Fact], fact: facts.MessageImported) -> Write:
    """What was brought in has a conversation of its own, closed from the beginning."""
    return Write(
        TABLE,
        (fact.conversation_id,),
        recorded.sequence,
        {"message_count": fact.number, "last_activity_at": recorded.time},
        {
            "chat_id": recorded.chat_id,
            "tenant_id": recorded.tenant,
            "number": 0,
            "status": "closed",
            "started_at": recorded.time,
            "closed_at": recorded.time,
            "close_reason": "imported",
            "created_at": recorded.time,
        },
    )


def _received(recorded: Recorded[Fact], fact: facts.MessageReceived) -> Columns:
    columns: Columns = {"last_activity_at": recorded.time, "message_count": fact.number}
    if fact.origin is Origin.USER:
        return {**columns, "last_inbound_at": recorded.time}
    return columns


def _closed(recorded: Recorded[Fact], fact: facts.ConversationClosed) -> Columns:
    return {
        "status": "closed",
        "closed_at": recorded.time,
        "close_reason": fact.reason,
        "message_count": fact.message_count,
    }


def _patch(recorded: Recorded[Fact], conversation_id: str, columns: Columns) -> Write:
    return Write(TABLE, (conversation_id,), recorded.sequence, columns)
