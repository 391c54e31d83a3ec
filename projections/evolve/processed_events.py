"""`processed_events`: what was done with each input that a provider sent."""

from typing import Final

from projections.rows import Columns, Write, identifier
from projections.rules import Writes, on
from schemas import facts
from schemas.content import ActionTaken, MessageKind, Origin, Status
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "processed_events"

_STATUSES: Final = {status: f"status.{status}" for status in Status}

_Echo = facts.EchoHeld | facts.EchoRecognised
_Settled = facts.AnswerGiven | facts.AnswerDiscarded


def _received(recorded: Recorded[Fact], fact: facts.MessageReceived) -> Writes:
    if fact.origin is not Origin.USER:
        event_type = "echo"
    else:
        event_type = "reaction" if fact.content.kind is MessageKind.REACTION else "message"
    return _done(recorded, fact.platform_message_id, event_type, fact.action)


def _imported(recorded: Recorded[Fact], fact: facts.MessageImported) -> Writes:
    return _done(recorded, fact.platform_message_id, "history", fact.action)


def _echo(recorded: Recorded[Fact], fact: _Echo) -> Writes:
    return _done(recorded, fact.platform_message_id, "echo", fact.action)


def _edited(recorded: Recorded[Fact], fact: facts.MessageEdited) -> Writes:
    return _done(recorded, fact.source_id, "edit", fact.action)


def _deleted(recorded: Recorded[Fact], fact: facts.MessageDeleted) -> Writes:
    return _done(recorded, fact.source_id, "delete", fact.action)


def _noticed(recorded: Recorded[Fact], fact: facts.NoticeRecorded) -> Writes:
    return _done(recorded, fact.source_id, "system", fact.action)


def _unrecognised(recorded: Recorded[Fact], fact: facts.InputUnrecognised) -> Writes:
    return _done(recorded, fact.source_id, "unrecognised", fact.action)


def _reported(recorded: Recorded[Fact], fact: facts.MessageStatusReported) -> Writes:
    return _done(recorded, fact.platform_message_id, _STATUSES[fact.status], fact.action)


def _answered(recorded: Recorded[Fact], fact: _Settled) -> Writes:
    """What became of messages after they were recorded; a model answers nothing but messages."""
    return tuple(
        Write(
            TABLE,
            (recorded.tenant, identifier(name), "message", recorded.chat_id),
            recorded.sequence,
            {"action_taken": fact.action},
        )
        for name in fact.answers
    )


def _done(
    recorded: Recorded[Fact], message_id: str, event_type: str, action: ActionTaken
) -> Writes:
    key = (recorded.tenant, identifier(message_id), event_type, recorded.chat_id)
    assigned: Columns = {"action_taken": action, "processed_at": recorded.time}
    return (Write(TABLE, key, recorded.sequence, assigned, {}),)


RULES: Final = (
    on(facts.MessageReceived, _received),
    on(facts.MessageImported, _imported),
    on(facts.EchoHeld, _echo),
    on(facts.EchoRecognised, _echo),
    on(facts.MessageEdited, _edited),
    on(facts.MessageDeleted, _deleted),
    on(facts.NoticeRecorded, _noticed),
    on(facts.InputUnrecognised, _unrecognised),
    on(facts.MessageStatusReported, _reported),
    on(facts.AnswerGiven, _answered),
    on(facts.AnswerDiscarded, _answered),
)
