"""`delivery_attempts`: every try to send a reply, how it ended, and what is waited for since."""

from typing import Final

from projections.rows import Cell, Columns, Write, identifier, text
from projections.rules import Writes, on
from schemas import facts
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "delivery_attempts"

_NOTHING_AWAITED: Final[Columns] = {"waiting_for": None, "next_attempt_at": None}

_Attempt = facts.MessageSent | facts.MessageSendFailed | facts.MessageSendUnconfirmed
_Stuck = facts.DeliveryAbandoned | facts.ConfirmationTimedOut
_Next = facts.RetryStarted | facts.RetryRequested | facts.FallbackChosen


def _sent(recorded: Recorded[Fact], fact: facts.MessageSent) -> Writes:
    name = fact.platform_message_id
    columns: dict[str, Cell] = {
        "outcome": "sent",
        "platform_message_id": None if name is None else identifier(name),
        "http_status": fact.http_status,
        "error_code": None,
        "error_message": None,
        "retryable": False,
    }
    return _attempt(recorded, fact, columns)


def _failed(recorded: Recorded[Fact], fact: facts.MessageSendFailed) -> Writes:
    columns: dict[str, Cell] = {
        "outcome": "failed",
        "http_status": fact.http_status,
        "error_code": text(fact.error_code),
        "error_message": text(fact.error_message),
        "retryable": fact.retryable,
    }
    return _attempt(recorded, fact, columns)


def _unconfirmed(recorded: Recorded[Fact], fact: facts.MessageSendUnconfirmed) -> Writes:
    columns: dict[str, Cell] = {
        "outcome": "saved_only",
        "error_code": text(fact.error_code),
        "error_message": text(fact.error_message),
        "retryable": False,
    }
    return _attempt(recorded, fact, columns)


def _attempt(recorded: Recorded[Fact], fact: _Attempt, columns: dict[str, Cell]) -> Writes:
    columns["chat_id"] = recorded.chat_id
    columns["tenant_id"] = recorded.tenant
    columns["started_at"] = fact.started_at
    columns["finished_at"] = fact.finished_at
    return (Write(TABLE, (fact.reply_id, fact.attempt), recorded.sequence, columns, {}),)


def _withheld(recorded: Recorded[Fact], fact: facts.MessageSendWithheld) -> Writes:
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
    return (Write(TABLE, (fact.reply_id, fact.attempt), recorded.sequence, columns, {}),)


def _confirmed(recorded: Recorded[Fact], fact: facts.MessageSendConfirmed) -> Writes:
    columns: Columns = {
        "outcome": "sent",
        "platform_message_id": identifier(fact.platform_message_id),
        "error_code": None,
        "error_message": None,
        **_NOTHING_AWAITED,
    }
    return _patch(recorded, fact.reply_id, fact.attempt, columns)


def _scheduled(recorded: Recorded[Fact], fact: facts.RetryScheduled) -> Writes:
    columns: Columns = {"waiting_for": "retry", "next_attempt_at": fact.due}
    return _patch(recorded, fact.reply_id, fact.attempt, columns)


def _stuck(recorded: Recorded[Fact], fact: _Stuck) -> Writes:
    columns: Columns = {"waiting_for": "operator", "next_attempt_at": None}
    return _patch(recorded, fact.reply_id, fact.attempt, columns)


def _goes_on(recorded: Recorded[Fact], fact: _Next) -> Writes:
    """The attempt before waits for nothing any more."""
    return _patch(recorded, fact.reply_id, fact.attempt - 1, _NOTHING_AWAITED)


def _patch(recorded: Recorded[Fact], reply_id: str, attempt: int, columns: Columns) -> Writes:
    return (Write(TABLE, (reply_id, attempt), recorded.sequence, columns),)


RULES: Final = (
    on(facts.MessageSent, _sent),
    on(facts.MessageSendFailed, _failed),
    on(facts.MessageSendUnconfirmed, _unconfirmed),
    on(facts.MessageSendWithheld, _withheld),
    on(facts.MessageSendConfirmed, _confirmed),
    on(facts.RetryScheduled, _scheduled),
    on(facts.DeliveryAbandoned, _stuck),
    on(facts.ConfirmationTimedOut, _stuck),
    on(facts.RetryStarted, _goes_on),
    on(facts.RetryRequested, _goes_on),
    on(facts.FallbackChosen, _goes_on),
)
