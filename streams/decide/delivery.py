"""What the provider tells of replies, whenever it does, and the names by which it does."""

import re
from typing import Final

from providers.protocol import StatusReport
from schemas import identity
from schemas.content import ActionTaken, Evidence, Status
from schemas.facts import (
    EchoRecognised,
    MessageSendConfirmed,
    MessageSent,
    MessageStatusReported,
)
from streams.decide import retries
from streams.decide.draft import Draft
from streams.decide.evolve_delivery import ARRIVED
from streams.decide.state import ChatState, EarlyStatus, Held, unconfirmed

_UUID: Final = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_REFERENCE: Final = re.compile(f"{_UUID}:([1-9][0-9]{{0,3}})(?::{_UUID})?")

Attempt = tuple[str, int]
"""A reply's id and the number of the attempt to send it."""


def status(draft: Draft, told: StatusReport) -> None:
    """Record what the provider tells; order and repetition do not matter."""
    platform_id = told.platform_message_id
    known = referred(draft.state, told.reference) or sent_as(draft.state, platform_id)
    if known is not None and told.status in ARRIVED:
        arrive(draft, platform_id, known)
    elif known is not None:  # what failed had been taken before
        confirm(draft, platform_id, known, Evidence.STATUS)
    _report(draft, told, known)
    if known and any(echo.platform_message_id == platform_id for echo in draft.state.echoes):
        recognise(draft, platform_id, known)


def name(draft: Draft, fact: MessageSent | MessageSendConfirmed | EchoRecognised) -> None:
    """Record that an attempt has this name, and what was told of the name before."""
    early = draft.state.early
    draft.record(fact)
    for one in early:
        if one.platform_message_id == fact.platform_message_id:
            _report(draft, one, (fact.reply_id, fact.attempt))


def recognise(draft: Draft, platform_message_id: str, attempt: Attempt) -> None:
    """An echo is this attempt of ours; if nobody saw it end, now it is known to be sent."""
    name(
        draft,
        EchoRecognised(
            platform_message_id=platform_message_id,
            reply_id=attempt[0],
            attempt=attempt[1],
            action=ActionTaken.OWN_ECHO,
        ),
    )
    confirm(draft, platform_message_id, attempt, Evidence.ECHO)


def confirm(draft: Draft, platform_message_id: str, attempt: Attempt, by: Evidence) -> None:
    """The attempt was sent under this name; nothing happens where that was known."""
    if _is_among(unconfirmed(draft.state), attempt) or _is_nameless(draft.state, attempt):
        _confirm(draft, platform_message_id, attempt, by)


def arrive(draft: Draft, platform_message_id: str, attempt: Attempt) -> None:
    """The attempt has reached the person: whatever was said of it, it waits for nothing."""
    if _is_among(draft.state.held, attempt) or _is_nameless(draft.state, attempt):
        _confirm(draft, platform_message_id, attempt, Evidence.STATUS)


def reference(reply_id: str, attempt: int, chat_id: str | None = None) -> str:
    """What goes with a message so that its statuses name it; older ones leave out the chat."""
    return f"{reply_id}:{attempt}" + (f":{chat_id}" if chat_id else "")


def referred(state: ChatState, text: str | None) -> Attempt | None:
    """The attempt that a reference names, None if it cannot be one of this chat's."""
    ours = _REFERENCE.fullmatch(text) if text else None
    return (ours[1], int(ours[2])) if ours and ours[3] in {None, state.chat_id} else None


def sender(text: str | None) -> str | None:
    """The chat that a reference names."""
    ours = _REFERENCE.fullmatch(text) if text else None
    return ours[3] if ours else None


def sent_as(state: ChatState, platform_message_id: str) -> Attempt | None:
    """The attempt that the platform knows by this name, as far as we remember."""
    for sent in reversed(state.sent):
        if sent.platform_message_id == platform_message_id:
            return sent.reply_id, sent.attempt
    head = state.outbox[0] if state.outbox else None
    if head and head.told and head.told.platform_message_id == platform_message_id:
        return head.reply_id, head.attempt
    return None


def _is_among(held: tuple[Held, ...], attempt: Attempt) -> bool:
    return any((one.reply.reply_id, one.reply.attempt) == attempt for one in held)


def _is_nameless(state: ChatState, attempt: Attempt) -> bool:
    """Whether the provider took it without telling its name."""
    return any(one.is_nameless and (one.reply_id, one.attempt) == attempt for one in state.recent)


def _confirm(draft: Draft, platform_message_id: str, attempt: Attempt, by: Evidence) -> None:
    name(
        draft,
        MessageSendConfirmed(
            reply_id=attempt[0],
            attempt=attempt[1],
            platform_message_id=platform_message_id,
            by=by,
        ),
    )


def _report(draft: Draft, told: StatusReport | EarlyStatus, known: Attempt | None) -> None:
    platform_id = told.platform_message_id
    chat = draft.state.chat_id
    message_id, attempt = known or (
        identity.message_id(chat=chat, platform_message_id=platform_id),
        0,
    )
    draft.record(
        MessageStatusReported(
            message_id=message_id,
            platform_message_id=platform_id,
            attempt=attempt,
            status=told.status,
            reported_at=told.reported_at,
            error_code=told.error_code,
            error_message=told.error_message,
            action=ActionTaken.STATUS,
        )
    )
    if told.status is Status.FAILED:
        retries.failed_later(draft, message_id, attempt, told.error_code or "")
