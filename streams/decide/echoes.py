"""What comes back as the business's own message: our send, a human's, or another program's.

An echo can come before the send's own answer. While it is unknown how an attempt ended, an
echo that may be its is held: taken for a human's, it would silence the bot for nothing.
"""

from datetime import datetime

from providers.protocol import Message
from schemas.content import ActionTaken, Content, Person
from schemas.facts import EchoHeld
from schemas.inputs import WebhookReceived
from streams.decide import delivery, messages
from streams.decide.delivery import Attempt
from streams.decide.draft import Draft
from streams.decide.policy import Policy
from streams.decide.state import (
    ECHOES,
    HeldEcho,
    Pending,
    in_flight,
    unconfirmed,
)


def take(draft: Draft, item: WebhookReceived, message: Message) -> None:
    """Record a message that is not known to be ours, or that it will show whose it is."""
    if _may_be_ours(draft, message):
        draft.record(_held(message))
    else:
        messages.by_business(draft, item, message)


def of_ours(draft: Draft, message: Message) -> Attempt | None:
    """The attempt that the message is, by reference, by name, or by the words we awaited."""
    state = draft.state
    named = delivery.referred(state, message.reference)
    known = named or delivery.sent_as(state, message.platform_message_id)
    if known is not None or message.is_history:
        return known
    for one in unconfirmed(state):
        if (one.holds or message.is_own) and _alike(one.reply.content, message.content):
            return one.reply.reply_id, one.reply.attempt
    for reply in state.recent:
        if reply.is_nameless and _alike(reply.content, message.content):
            return reply.reply_id, reply.attempt
    return None


def match(draft: Draft, reply: Pending, platform_message_id: str | None) -> None:
    """Find a sent reply's echo among the held ones, by name or else by its words."""
    held = draft.state.echoes
    named = [echo for echo in held if echo.platform_message_id == platform_message_id]
    alike = [echo for echo in held if _alike(reply.content, echo.content)]
    for echo in (named or alike)[:1]:
        delivery.recognise(draft, echo.platform_message_id, (reply.reply_id, reply.attempt))


def settle(draft: Draft) -> None:
    """Record held echoes as others' when none of our attempts is left that they could be."""
    if not _is_any_open(draft):
        for echo in draft.state.echoes:
            messages.by_business(draft, None, _message(echo))


def wake(draft: Draft) -> None:
    """Decide by their words about echoes that have been held for too long."""
    away = in_flight(draft.state)
    for echo in draft.state.echoes:
        if held_until(echo, draft.policy) > draft.now:
            continue
        if away is not None and _alike(away.content, echo.content):
            attempt = (away.reply_id, away.attempt)
            delivery.recognise(draft, echo.platform_message_id, attempt)
            away = None
        else:
            messages.by_business(draft, None, _message(echo))


def held_until(echo: HeldEcho, policy: Policy) -> datetime:
    """When it is decided whose an echo is, if nothing has told."""
    return echo.at + policy.confirmation


def _may_be_ours(draft: Draft, message: Message) -> bool:
    if message.content.kind in messages.NEVER_ANSWERED or len(draft.state.echoes) >= ECHOES:
        return False
    return _is_any_open(draft)


def _is_any_open(draft: Draft) -> bool:
    """Whether an attempt was handed out that nobody has seen end."""
    away = in_flight(draft.before)
    if away is not None and draft.state.outbox:
        head = draft.state.outbox[0]
        if (head.reply_id, head.attempt) == (away.reply_id, away.attempt):
            return True
    return any(one.holds for one in unconfirmed(draft.state))


def _alike(ours: Content, theirs: Content) -> bool:
    return ours.kind is theirs.kind and _words(ours) == _words(theirs)


def _words(content: Content) -> str:
    return " ".join((content.text or content.caption or "").split())


def _held(message: Message) -> EchoHeld:
    return EchoHeld(
        platform_message_id=message.platform_message_id,
        platform_timestamp=message.platform_timestamp,
        content=message.content,
        reply_to=message.reply_to,
        speaker=message.speaker,
        is_own=message.is_own,
        action=ActionTaken.HELD,
    )


def _message(echo: HeldEcho) -> Message:
    return Message(
        platform_message_id=echo.platform_message_id,
        platform_timestamp=echo.platform_timestamp,
        person=Person(platform_user_id=""),
        content=echo.content,
        reply_to=echo.reply_to,
        speaker=echo.speaker,
        from_human=not echo.is_own,
        is_own=echo.is_own,
    )
