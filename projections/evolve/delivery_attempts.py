"""`delivery_attempts`: every try to send a reply, and how it ended."""

from typing import assert_never

from projections.rows import Cell, Write, identifier, text
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE = "delivery_attempts"
HANDLES = frozenset({facts.MessageSent, facts.MessageSendFailed, facts.MessageSendUnconfirmed})

_Attempt = facts.MessageSent | facts.MessageSendFailed | facts.MessageSendUnconfirmed


def evolve(recorded: Recorded[Fact]) -> tuple[Write, ...]:
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
        case (
            facts.ChatStarted()
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
