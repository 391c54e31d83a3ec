"""`chats`: who is at the other end."""

from typing import assert_never

from projections.rows import Columns, Write, identifier, text
from schemas import facts
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "chats"
HANDLES = frozenset(
    {
        facts.ChatStarted,
        facts.ProfileChanged,
        facts.ChatMoved,
        facts.ChatMerged,
        facts.MessageReceived,
        facts.MessageSent,
        facts.MessageSendConfirmed,
        facts.ConversationSummarised,
    }
)


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:  # noqa: C901, PLR0912  # one case for each fact
    """What the fact changes in the chat's row."""
    match recorded.data:
        case facts.ChatStarted() as fact:
            return (_started(recorded, fact),)
        case facts.ProfileChanged() as fact:
            return (_patch(recorded, _profile(fact)),)
        case facts.ChatMoved() as fact:
            return (_patch(recorded, {"address": identifier(fact.platform_user_id)}),)
        case facts.ChatMerged() as fact:
            return (_merged(recorded, fact),)
        case facts.MessageReceived() as fact:
            inbound = fact.origin is Origin.USER
            column = "last_inbound_at" if inbound else "last_outbound_at"
            return (_patch(recorded, {column: recorded.time}),)
        case facts.MessageSent() | facts.MessageSendConfirmed():
            return (_patch(recorded, {"last_outbound_at": recorded.time}),)
        case facts.ConversationSummarised() as fact:
            return (_patch(recorded, {"last_conversation_summary": text(fact.text)}),)
        case (
            facts.AliasLearned()
            | facts.ConversationOpened()
            | facts.MessageEdited()
            | facts.MessageDeleted()
            | facts.NoticeRecorded()
            | facts.InputUnrecognised()
            | facts.HandlerFailed()
            | facts.QuestionAsked()
            | facts.QuestionAnswered()
            | facts.ReplyGenerated()
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


def _started(recorded: Recorded[Fact], fact: facts.ChatStarted) -> Write:
    return Write(
        TABLE,
        (recorded.chat_id,),
        recorded.sequence,
        {
            "tenant_id": recorded.tenant,
            "platform": fact.platform,
            "platform_user_id": identifier(fact.platform_user_id),
            "provider": fact.provider,
            "account": text(fact.account),
            "is_group": fact.is_group,
            "updated_at": recorded.time,
        },
        {"is_blocked": False, "created_at": recorded.time},
    )


def _merged(recorded: Recorded[Fact], fact: facts.ChatMerged) -> Write:
    """The row of a name that nobody had written from begins here."""
    return Write(
        TABLE,
        (recorded.chat_id,),
        recorded.sequence,
        {"merged_into": fact.into, "updated_at": recorded.time},
        {
            "tenant_id": recorded.tenant,
            "platform": fact.platform,
            "platform_user_id": identifier(fact.platform_user_id),
            "provider": fact.provider,
            "account": text(fact.account),
            "is_group": fact.is_group,
            "is_blocked": False,
            "created_at": recorded.time,
        },
    )


def _profile(fact: facts.ProfileChanged) -> Columns:
    return {
        "phone_e164": text(fact.phone_e164),
        "username": text(fact.username),
        "first_name": text(fact.first_name),
        "last_name": text(fact.last_name),
    }


def _patch(recorded: Recorded[Fact], columns: Columns) -> Write:
    assigned = {**columns, "updated_at": recorded.time}
    return Write(TABLE, (recorded.chat_id,), recorded.sequence, assigned)
