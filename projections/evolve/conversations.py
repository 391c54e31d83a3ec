"""`conversations`: when each began, how many messages it has, and why it ended."""

from typing import Final

from projections.rows import Cell, Columns, Write, text
from projections.rules import Writes, on
from schemas import facts
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "conversations"


def _opened(recorded: Recorded[Fact], fact: facts.ConversationOpened) -> Writes:
    assigned: Columns = {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "number": fact.number,
        "status": "open",
        "started_at": recorded.time,
        "last_activity_at": recorded.time,
        "message_count": 0,
    }
    initial: Columns = {"created_at": recorded.time}
    return (Write(TABLE, (fact.conversation_id,), recorded.sequence, assigned, initial),)


def _imported(recorded: Recorded[Fact], fact: facts.MessageImported) -> Writes:
    """What was brought in has a conversation of its own, closed from the beginning."""
    assigned: Columns = {"message_count": fact.number, "last_activity_at": recorded.time}
    initial: Columns = {
        "chat_id": recorded.chat_id,
        "tenant_id": recorded.tenant,
        "number": 0,
        "status": "closed",
        "started_at": recorded.time,
        "closed_at": recorded.time,
        "close_reason": "imported",
        "created_at": recorded.time,
    }
    return (Write(TABLE, (fact.conversation_id,), recorded.sequence, assigned, initial),)


def _received(recorded: Recorded[Fact], fact: facts.MessageReceived) -> Writes:
    columns: dict[str, Cell] = {
        "last_activity_at": recorded.time,
        "message_count": fact.number,
    }
    if fact.origin is Origin.USER:
        columns["last_inbound_at"] = recorded.time
    return _patch(recorded, fact.conversation_id, columns)


def _replied(recorded: Recorded[Fact], fact: facts.ReplyGenerated) -> Writes:
    columns: Columns = {"last_activity_at": recorded.time, "message_count": fact.number}
    return _patch(recorded, fact.conversation_id, columns)


def _closing(recorded: Recorded[Fact], fact: facts.ConversationClosing) -> Writes:
    columns: Columns = {"status": "closing", "close_reason": fact.reason}
    return _patch(recorded, fact.conversation_id, columns)


def _closed(recorded: Recorded[Fact], fact: facts.ConversationClosed) -> Writes:
    columns: Columns = {
        "status": "closed",
        "closed_at": recorded.time,
        "close_reason": fact.reason,
        "message_count": fact.message_count,
    }
    return _patch(recorded, fact.conversation_id, columns)


def _summarised(recorded: Recorded[Fact], fact: facts.ConversationSummarised) -> Writes:
    return _patch(recorded, fact.conversation_id, {"conversation_summary": text(fact.text)})


def _patch(recorded: Recorded[Fact], conversation_id: str, columns: Columns) -> Writes:
    return (Write(TABLE, (conversation_id,), recorded.sequence, columns),)


RULES: Final = (
    on(facts.ConversationOpened, _opened),
    on(facts.MessageImported, _imported),
    on(facts.MessageReceived, _received),
    on(facts.ReplyGenerated, _replied),
    on(facts.ConversationClosing, _closing),
    on(facts.ConversationClosed, _closed),
    on(facts.ConversationSummarised, _summarised),
)
