"""`sessions`: the state that a chat is in, special mode and pause."""

from typing import Final

from projections.rows import Columns, Write, text
from projections.rules import Writes, on
from schemas import facts
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "sessions"


def _started(recorded: Recorded[Fact], fact: facts.ChatStarted) -> Writes:  # noqa: ARG001  # that it began is enough
    assigned: Columns = {"tenant_id": recorded.tenant, "updated_at": recorded.time}
    initial: Columns = {"is_paused": False, "created_at": recorded.time}
    return (Write(TABLE, (recorded.chat_id,), recorded.sequence, assigned, initial),)


def _received(recorded: Recorded[Fact], fact: facts.MessageReceived) -> Writes:
    return _said(recorded, by_person=fact.origin is Origin.HUMAN)


def _replied(recorded: Recorded[Fact], fact: facts.ReplyGenerated) -> Writes:
    return _said(recorded, by_person=fact.origin is Origin.OPERATOR)


def _paused(recorded: Recorded[Fact], fact: facts.BotPaused) -> Writes:
    columns: Columns = {
        "is_paused": True,
        "pause_reason": fact.reason,
        "paused_at": recorded.time,
        "paused_by": text(fact.by),
        "updated_at": recorded.time,
    }
    return _patch(recorded, columns)


def _resumed(recorded: Recorded[Fact], fact: facts.BotResumed) -> Writes:  # noqa: ARG001  # as above
    columns: Columns = {
        "is_paused": False,
        "pause_reason": None,
        "paused_at": None,
        "paused_by": None,
        "updated_at": recorded.time,
    }
    return _patch(recorded, columns)


def _entered(recorded: Recorded[Fact], fact: facts.ModeEntered) -> Writes:
    columns: Columns = {
        "mode": text(fact.mode),
        "mode_until": fact.until,
        "updated_at": recorded.time,
    }
    return _patch(recorded, columns)


def _left(recorded: Recorded[Fact], fact: facts.ModeLeft) -> Writes:  # noqa: ARG001  # as above
    return _patch(recorded, {"mode": None, "mode_until": None, "updated_at": recorded.time})


def _said(recorded: Recorded[Fact], *, by_person: bool) -> Writes:
    """By one of the business's people, or by anybody else."""
    time = recorded.time
    columns: Columns = {"last_message_at": time, "updated_at": time}
    if by_person:
        columns = {"last_message_at": time, "last_human_at": time, "updated_at": time}
    return _patch(recorded, columns)


def _patch(recorded: Recorded[Fact], columns: Columns) -> Writes:
    return (Write(TABLE, (recorded.chat_id,), recorded.sequence, columns),)


RULES: Final = (
    on(facts.ChatStarted, _started),
    on(facts.MessageReceived, _received),
    on(facts.ReplyGenerated, _replied),
    on(facts.BotPaused, _paused),
    on(facts.BotResumed, _resumed),
    on(facts.ModeEntered, _entered),
    on(facts.ModeLeft, _left),
)
