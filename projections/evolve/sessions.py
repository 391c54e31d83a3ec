"""`sessions`: the state that a chat is in, special mode and pause."""

from typing import assert_never

from projections.rows import Columns, Write, text
from schemas import facts
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "sessions"
HANDLES = frozenset(
    {
        facts.ChatStarted,
        facts.MessageReceived,
        facts.ReplyGenerated,
        facts.ModeEntered,
        facts.ModeLeft,
    }
)


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:  # one case for each fact
    """What the fact changes in the row of the chat's session."""
    match recorded.data:
        case facts.ChatStarted():
            return (_started(recorded),)
        case facts.MessageReceived() as fact:
            columns: Columns = {"last_message_at": recorded.time}
            if fact.origin is Origin.HUMAN:
                columns = {**columns, "last_human_at": recorded.time}
            return (_patch(recorded, columns),)
        case facts.ReplyGenerated():
            return (_patch(recorded, {"last_message_at": recorded.time}),)
        case facts.ModeEntered() as fact:
            return (_patch(recorded, {"mode": text(fact.mode), "mode_until": fact.until}),)
        case facts.ModeLeft():
            return (_patch(recorded, {"mode": None, "mode_until": None}),)
        case (
            facts.ProfileChanged()
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
        ):
            return ()
        case _ as never:
            assert_never(never)


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
