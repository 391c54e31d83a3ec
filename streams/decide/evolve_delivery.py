"""What the facts of deliveries change in a chat's state: where each reply is, and for how long."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from providers import templates
from providers.failures import FailureCode
from schemas.content import Evidence, Status
from schemas.facts import (
    EchoHeld,
    EchoRecognised,
    FallbackChosen,
    MessageSendConfirmed,
    MessageSendFailed,
    MessageSendUnconfirmed,
    MessageSendWithheld,
    MessageSent,
    MessageStatusReported,
    RetryRequested,
    RetryScheduled,
    RetryStarted,
    TemplateChosen,
)
from streams.decide.state import (
    EARLY,
    ECHOES,
    HELD,
    RECENT,
    SENT,
    ChatState,
    EarlyStatus,
    Held,
    HeldEcho,
    Pending,
    Sent,
    Told,
    Wait,
    in_flight,
    is_name_awaited,
    unconfirmed,
)

ARRIVED = frozenset({Status.DELIVERED, Status.READ, Status.PLAYED, Status.DELETED})
"""What is told of a message that has reached the person, and so cannot fail any more."""

Retry = RetryStarted | RetryRequested | FallbackChosen


def sent(after: ChatState, fact: MessageSent) -> None:
    """The first reply of the outbox has left; the next may."""
    left = after.outbox[0]
    after.outbox = after.outbox[1:]
    name = fact.platform_message_id
    if name is None and left.told is not None:
        name = left.told.platform_message_id
    if name is None:
        left = replace(left, is_nameless=True)
    after.recent = (*after.recent[-RECENT + 1 :], left)
    if name is not None and left.told is not None:
        _name(after, name, fact.reply_id, fact.attempt)  # an echo may have told it before
    elif name is not None:
        after.sent = (*after.sent[-SENT + 1 :], Sent(name, fact.reply_id, fact.attempt))
    if after.early:
        _forget_early(after, name)


def not_sent(
    after: ChatState,
    fact: MessageSendFailed | MessageSendUnconfirmed | MessageSendWithheld,
    now: datetime,
) -> None:
    """The first reply of the outbox waits for what is decided next, and so do those behind it."""
    head = after.outbox[0]
    after.outbox = after.outbox[1:]
    is_asked = fact.error_code != FailureCode.CROWDED
    tried = replace(
        head, failures=head.failures + is_asked, failing_since=head.failing_since or now
    )
    is_unknown = isinstance(fact, MessageSendUnconfirmed)
    wait = Wait.CONFIRMATION if is_unknown else Wait.OPERATOR
    _hold(after, Held(tried, wait, now, holds=True))
    if after.early and not is_unknown:
        _forget_early(after, None)


def templated(after: ChatState, fact: TemplateChosen) -> None:
    """The first reply of the outbox leaves as a template, however often it is tried."""
    head = after.outbox[0]
    content = templates.as_template(
        head.content, name=fact.template, language=fact.language, with_words=fact.with_words
    )
    after.outbox = (replace(head, content=content), *after.outbox[1:])


def scheduled(after: ChatState, fact: RetryScheduled) -> None:
    """The reply waits for its time."""
    after.held = tuple(
        replace(one, wait=Wait.RETRY, due=fact.due, holds=fact.holds_later)
        if one.reply.reply_id == fact.reply_id
        else one
        for one in after.held
    )


def released(after: ChatState, reply_id: str) -> None:
    """Nothing waits behind the reply any more."""
    after.held = tuple(
        replace(one, holds=False) if one.reply.reply_id == reply_id else one for one in after.held
    )


def restarted(after: ChatState, fact: Retry) -> None:
    """The reply is to be sent again: before all that was never sent, after what is in flight."""
    waiting = find(after, fact.reply_id)
    if waiting is None:
        return
    place = 0 if in_flight(after) is None else 1
    while place < len(after.outbox) and after.outbox[place].attempt > 1:
        place += 1
    _drop(after, fact.reply_id)
    again = _again(waiting, fact)
    after.outbox = (*after.outbox[:place], again, *after.outbox[place:])


def confirmed(after: ChatState, fact: MessageSendConfirmed) -> None:
    """The reply has left after all."""
    waiting = find(after, fact.reply_id)
    _drop(after, fact.reply_id)
    if waiting is not None:
        named = replace(waiting, is_nameless=False)
        after.recent = (*after.recent[-RECENT + 1 :], named)
    _name(after, fact.platform_message_id, fact.reply_id, fact.attempt)
    if after.early:
        _forget_early(after, fact.platform_message_id)


def abandoned(after: ChatState, reply_id: str, now: datetime) -> None:
    """The reply waits for an operator, also if it had left before it was told to have failed."""
    waiting = find(after, reply_id)
    if waiting is not None:
        _drop(after, reply_id)
        _hold(after, Held(waiting, Wait.OPERATOR, now))


def reported(after: ChatState, fact: MessageStatusReported) -> None:
    """Remember what is told too early, and forget what has arrived."""
    if fact.attempt == 0:
        _remember_early(after, fact)
        return
    if after.early:
        _forget_early(after, fact.platform_message_id, all_others=False)
    if after.recent:
        _learn_name(after, fact.platform_message_id, (fact.message_id, fact.attempt))
    if fact.status in ARRIVED and after.recent:
        after.recent = tuple(one for one in after.recent if not _is(one, fact))
    _tell(after, fact.platform_message_id, (fact.message_id, fact.attempt), fact)


def recognised(after: ChatState, fact: EchoRecognised) -> None:
    """The echo is no longer held, and its name is the reply's."""
    drop_echo(after, fact.platform_message_id)
    attempt = (fact.reply_id, fact.attempt)
    _tell(after, fact.platform_message_id, attempt, None)
    _learn_name(after, fact.platform_message_id, attempt)
    _name(after, fact.platform_message_id, fact.reply_id, fact.attempt)


def echo_held(after: ChatState, fact: EchoHeld, now: datetime) -> None:
    """Whose it is will show."""
    echo = HeldEcho(
        now,
        fact.platform_message_id,
        fact.platform_timestamp,
        fact.content,
        fact.reply_to,
        fact.speaker,
        fact.is_own,
    )
    after.echoes = (*after.echoes[-ECHOES + 1 :], echo)


def drop_echo(after: ChatState, platform_message_id: str) -> None:
    """The echo has found its place."""
    if after.echoes:
        others = (e for e in after.echoes if e.platform_message_id != platform_message_id)
        after.echoes = tuple(others)


def find(state: ChatState, reply_id: str) -> Pending | None:
    """The reply if it is held, or has left lately."""
    held = (one.reply for one in state.held)
    return next((one for one in (*held, *state.recent) if one.reply_id == reply_id), None)


def _again(waiting: Pending, fact: Retry) -> Pending:
    match fact:
        case RetryStarted():
            return replace(waiting, attempt=fact.attempt, told=None)
        case RetryRequested():
            fresh = replace(waiting, failures=0, failing_since=None)
            return replace(fresh, attempt=fact.attempt, told=None)
        case FallbackChosen():
            return replace(
                waiting,
                attempt=fact.attempt,
                provider=fact.provider,
                account=fact.account,
                to=fact.to,
                reply_to=None,
                fallbacks=fact.number,
                failures=0,
                failing_since=None,
                told=None,
            )


def _drop(after: ChatState, reply_id: str) -> None:
    after.held = tuple(one for one in after.held if one.reply.reply_id != reply_id)
    after.recent = tuple(one for one in after.recent if one.reply_id != reply_id)


def _hold(after: ChatState, one: Held) -> None:
    """Of too many that wait for an operator, the one that has waited longest is forgotten."""
    after.held = (*after.held, one)
    idle = [held for held in after.held if held.wait is not Wait.RETRY and not held.holds]
    if len(idle) > HELD:
        after.held = tuple(held for held in after.held if held is not idle[0])


def _learn_name(after: ChatState, platform_message_id: str, attempt: tuple[str, int]) -> None:
    """A reply that had none has a name."""
    for place, reply in enumerate(after.recent):
        if reply.is_nameless and (reply.reply_id, reply.attempt) == attempt:
            named = replace(reply, is_nameless=False)
            after.recent = (*after.recent[:place], named, *after.recent[place + 1 :])
            _name(after, platform_message_id, *attempt)


def _name(after: ChatState, platform_message_id: str, reply_id: str, attempt: int) -> None:
    sent = Sent(platform_message_id, reply_id, attempt)
    if sent not in after.sent:
        after.sent = (*after.sent[-SENT + 1 :], sent)


def _tell(
    after: ChatState,
    platform_message_id: str,
    attempt: tuple[str, int],
    status: MessageStatusReported | None,
) -> None:
    """Remember it if the attempt's own report is still to come; without a status, an echo told."""
    head = after.outbox[0] if after.outbox else None
    if head is None or (head.reply_id, head.attempt) != attempt:
        return
    by = Evidence.ECHO if status is None else Evidence.STATUS
    told = head.told or Told(platform_message_id, by)
    if status is not None and status.status in ARRIVED:
        told = replace(told, has_arrived=True, error_code=None)
    elif status is not None and status.status is Status.FAILED and not told.has_arrived:
        told = replace(told, error_code=status.error_code or "")
    after.outbox = (replace(head, told=told), *after.outbox[1:])


def _is(reply: Pending, fact: MessageStatusReported) -> bool:
    return (reply.reply_id, reply.attempt) == (fact.message_id, fact.attempt)


def _remember_early(after: ChatState, fact: MessageStatusReported) -> None:
    if is_name_awaited(after):
        early = EarlyStatus(
            fact.platform_message_id,
            fact.status,
            fact.reported_at,
            fact.error_code,
            fact.error_message,
        )
        after.early = (*after.early[-EARLY + 1 :], early)


def _forget_early(
    after: ChatState, platform_message_id: str | None, *, all_others: bool = True
) -> None:
    """Those of this name have found their message; others cannot be ours if none is awaited.

    What is next in the outbox was not on its way yet when they came.
    """
    rest: Iterable[EarlyStatus] = ()
    nameless = any(one.is_nameless for one in after.recent)
    if not all_others or nameless or unconfirmed(after):
        rest = (one for one in after.early if one.platform_message_id != platform_message_id)
    after.early = tuple(rest)
