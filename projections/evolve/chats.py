"""`chats`: who is at the other end."""

from typing import Final

from projections.rows import Columns, Write, identifier, text
from projections.rules import Writes, on
from schemas import facts
from schemas.content import Origin
from schemas.envelope import Recorded
from schemas.facts import Fact

TABLE: Final = "chats"

_Sent = facts.MessageSent | facts.MessageSendConfirmed


def _started(recorded: Recorded[Fact], fact: facts.ChatStarted) -> Writes:
    assigned: Columns = {
        "tenant_id": recorded.tenant,
        "platform": fact.platform,
        "platform_user_id": identifier(fact.platform_user_id),
        "provider": fact.provider,
        "account": text(fact.account),
        "is_group": fact.is_group,
        "updated_at": recorded.time,
    }
    initial: Columns = {"is_blocked": False, "created_at": recorded.time}
    return (Write(TABLE, (recorded.chat_id,), recorded.sequence, assigned, initial),)


def _merged(recorded: Recorded[Fact], fact: facts.ChatMerged) -> Writes:
    """The row of a name that nobody had written from begins here."""
    assigned: Columns = {"merged_into": fact.into, "updated_at": recorded.time}
    initial: Columns = {
        "tenant_id": recorded.tenant,
        "platform": fact.platform,
        "platform_user_id": identifier(fact.platform_user_id),
        "provider": fact.provider,
        "account": text(fact.account),
        "is_group": fact.is_group,
        "is_blocked": False,
        "created_at": recorded.time,
    }
    return (Write(TABLE, (recorded.chat_id,), recorded.sequence, assigned, initial),)


def _profile(recorded: Recorded[Fact], fact: facts.ProfileChanged) -> Writes:
    columns: Columns = {
        "phone_e164": text(fact.phone_e164),
        "username": text(fact.username),
        "first_name": text(fact.first_name),
        "last_name": text(fact.last_name),
        "updated_at": recorded.time,
    }
    return _patch(recorded, columns)


def _moved(recorded: Recorded[Fact], fact: facts.ChatMoved) -> Writes:
    address = identifier(fact.platform_user_id)
    return _patch(recorded, {"address": address, "updated_at": recorded.time})


def _received(recorded: Recorded[Fact], fact: facts.MessageReceived) -> Writes:
    column = "last_inbound_at" if fact.origin is Origin.USER else "last_outbound_at"
    return _patch(recorded, {column: recorded.time, "updated_at": recorded.time})


def _sent(recorded: Recorded[Fact], fact: _Sent) -> Writes:  # noqa: ARG001  # when is enough
    return _patch(recorded, {"last_outbound_at": recorded.time, "updated_at": recorded.time})


def _summarised(recorded: Recorded[Fact], fact: facts.ConversationSummarised) -> Writes:
    if not fact.is_latest:
        return ()
    summary = text(fact.text)
    return _patch(recorded, {"last_conversation_summary": summary, "updated_at": recorded.time})


def _patch(recorded: Recorded[Fact], columns: Columns) -> Writes:
    return (Write(TABLE, (recorded.chat_id,), recorded.sequence, columns),)


RULES: Final = (
    on(facts.ChatStarted, _started),
    on(facts.ChatMerged, _merged),
    on(facts.ChatMoved, _moved),
    on(facts.ProfileChanged, _profile),
    on(facts.MessageReceived, _received),
    on(facts.MessageSent, _sent),
    on(facts.MessageSendConfirmed, _sent),
    on(facts.ConversationSummarised, _summarised),
)
