"""`delivery_attempts`: every try to send a reply, how it ended, and what is waited for since."""

from typing import assert_never

from projections.rows import Cell, Columns, Write, identifier, text
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "delivery_attempts"
HANDLES = frozenset(
    {
        facts.MessageSent,
        facts.MessageSendFailed,
        facts.MessageSendUnconfirmed,
        facts.MessageSendConfirmed,
        facts.MessageSendWithheld,
        facts.ConfirmationTimedOut,
        facts.RetryScheduled,
        facts.RetryStarted,
        facts.RetryRequested,
        facts.FallbackChosen,
        facts.DeliveryAbandoned,
    }
)

_NOTHING_AWAITED: Columns = {"waiting_for": None, "next_attempt_at": None}

_Attempt = facts.MessageSent | facts.MessageSendFailed | facts.MessageSendUnconfirmed


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:  # noqa: C901, PLR0911, PLR0912  # one case for each fact
    """The row of the attempt that the fact tells of."""
    match recorded.data:
        case facts.MessageSent() as fact:
            name = fact.platform_message_id
            columns: dict[str, Cell] = {
                "outcome": "sent",
                "platform_message_id": None if name is None else identifier(name),
                "http_status": fact.http_status,
                "error_code": None,
                "error_message": None,
                "retryable": False,
            }
            return (_attempt(recorded, fact, columns),)
        case facts.MessageSendFailed() as fact:
            columns = {
                "outcome": "failed",
                "http_status": fact.http_status,
                "error_code": text(fact.error_code),
                "error_message": text(fact.error_message),
                "retryable": fact.retryable,
            }
            return (_attempt(recorded, fact, columns),)
        case facts.MessageSendUnconfirmed() as fact:
            columns = {
                "outcome": "saved_only",
                "error_code": text(fact.error_code),
                "error_message": text(fact.error_message),
                "retryable": False,
            }
            return (_attempt(recorded, fact, columns),)
        case facts.MessageSendWithheld() as fact:
            return (_withheld(recorded, fact),)
        case facts.MessageSendConfirmed() as fact:
            return (_patch(recorded, fact.reply_id, fact.attempt, _confirmed(fact)),)
        case facts.RetryScheduled() as fact:
            columns = {"waiting_for": "retry", "next_attempt_at": fact.due}
            return (_patch(recorded, fact.reply_id, fact.attempt, columns),)
        case facts.DeliveryAbandoned() | facts.ConfirmationTimedOut() as fact:
            columns = {"waiting_for": "operator", "next_attempt_at": None}
            return (_patch(recorded, fact.reply_id, fact.attempt, columns),)
        case facts.RetryStarted() | facts.RetryRequested() | facts.FallbackChosen() as fact:
            return (_patch(recorded, fact.reply_id, fact.attempt - 1, _NOTHING_AWAITED),)
        case (
            facts.AliasLearned()
            | facts.ChatMoved()
            | facts.ChatMerged()
            | facts.ChatStarted()
            | facts.ProfileChanged()
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
            | facts.MessageStatusReported()
            | facts.ModeEntered()
            | facts.ModeLeft()
            | facts.ConversationClosing()
            | facts.ConversationClosed()
            | facts.MessageImported()
            | facts.EchoHeld()
            | facts.EchoRecognised()
            | facts.LaterRepliesReleased()
            | facts.TemplateChosen()
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


def _attempt(recorded: Recorded[Fact], fact: _Attempt, columns: dict[str, Cell]) -> Write:
    columns["chat_id"] = recorded.chat_id
    columns["tenant_id"] = recorded.tenant
    columns["started_at"] = fact.started_at
    columns["finished_at"] = fact.finished_at
    return Write(TABLE, (fact.reply_id, fact.attempt), recorded.sequence, columns, {})


def _withheld(recorded: Recorded[Fact], fact: facts.MessageSendWithheld) -> Write:
    """Nothing was called: it began and ended when that was decided."""
    columns: Columns = {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "outcome": "saved_only",
        "error_code": text(fact.error_code),
        "retryable": False,
        "started_at": recorded.time,
        "finished_at": recorded.time,
    }
    return Write(TABLE, (fact.reply_id, fact.attempt), recorded.sequence, columns, {})


def _confirmed(fact: facts.MessageSendConfirmed) -> Columns:
    return {
        "outcome": "sent",
        "platform_message_id": identifier(fact.platform_message_id),
        "error_code": None,
        "error_message": None,
        **_NOTHING_AWAITED,
    }


def _patch(recorded: Recorded[Fact], reply_id: str, attempt: int, columns: Columns) -> Write:
    return Write(TABLE, (reply_id, attempt), recorded.sequence, columns)
