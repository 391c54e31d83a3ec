"""Replies that were not sent: tried again, sent another way, or left to an operator."""

from datetime import datetime

from providers.channels import CHANNELS
from providers.failures import FailureCode
from schemas.content import Platform
from schemas.facts import (
    ConfirmationTimedOut,
    DeliveryAbandoned,
    FallbackChosen,
    LaterRepliesReleased,
    MessageSendWithheld,
    RetryScheduled,
    RetryStarted,
)
from schemas.inputs import SendReported
from schemas.tenants import Fallback
from streams.decide import backoff
from streams.decide.draft import Draft
from streams.decide.evolve_delivery import find
from streams.decide.policy import Policy
from streams.decide.state import Held, Pending, Wait


def failed(draft: Draft, ended: SendReported) -> None:
    """Have a refused reply tried again if that may help, otherwise give it up.

    One that found its account crowded was not refused by anybody: it comes again until it was.
    """
    reply = find(draft.state, ended.reply_id)
    assert reply is not None  # the report's fact has just put it there
    is_asked = ended.error_code != FailureCode.CROWDED
    if ended.retryable and (not is_asked or reply.failures <= len(draft.policy.retries)):
        draft.record(_scheduled(draft, reply, ended.retry_after_seconds, is_asked=is_asked))
    else:
        give_up(draft, reply, ended.error_code or "")


def failed_later(draft: Draft, reply_id: str, attempt: int, error_code: str) -> None:
    """Give a reply up that had been accepted, unless a later attempt was made since."""
    reply = find(draft.state, reply_id)
    if reply is not None and reply.attempt == attempt and not _is_given_up(draft, reply_id):
        give_up(draft, reply, error_code)


def withhold(draft: Draft, reply: Pending) -> None:
    """Do not attempt what is certain to be refused."""
    code = FailureCode.OUTSIDE_WINDOW
    draft.record(
        MessageSendWithheld(reply_id=reply.reply_id, attempt=reply.attempt, error_code=code)
    )
    give_up(draft, reply, code)


def give_up(draft: Draft, reply: Pending, error_code: str) -> None:
    """Take the tenant's next fallback; where there is none, an operator must decide."""
    chosen = _fallback(draft, reply)
    if chosen is None:
        draft.record(
            DeliveryAbandoned(reply_id=reply.reply_id, attempt=reply.attempt, error_code=error_code)
        )
    else:
        draft.record(chosen)


def wake(draft: Draft) -> None:
    """Do what held replies have waited for until now."""
    for one in draft.state.held:
        if one.wait is Wait.RETRY:
            _retry_if_due(draft, one)
        elif one.holds and confirmed_by(one, draft.policy) <= draft.now:
            _stop_waiting(draft, one.reply)


def released_at(one: Held, policy: Policy) -> datetime:
    """When later replies no longer wait behind one that is being retried."""
    return (one.reply.failing_since or one.since) + policy.order_wait


def confirmed_by(one: Held, policy: Policy) -> datetime:
    """Until when an unknown outcome may become known."""
    return one.since + policy.confirmation


def _retry_if_due(draft: Draft, one: Held) -> None:
    reply = one.reply
    if one.due is not None and one.due <= draft.now:
        draft.record(RetryStarted(reply_id=reply.reply_id, attempt=reply.attempt + 1))
    elif one.holds and released_at(one, draft.policy) <= draft.now:
        draft.record(LaterRepliesReleased(reply_id=reply.reply_id, attempt=reply.attempt))


def _stop_waiting(draft: Draft, reply: Pending) -> None:
    """Send it again if the tenant wants that, but no more often than what was refused."""
    if draft.policy.unconfirmed == "resend" and reply.failures <= len(draft.policy.retries):
        draft.record(RetryStarted(reply_id=reply.reply_id, attempt=reply.attempt + 1))
    else:
        draft.record(ConfirmationTimedOut(reply_id=reply.reply_id, attempt=reply.attempt))


def _scheduled(
    draft: Draft, reply: Pending, retry_after: float | None, *, is_asked: bool
) -> RetryScheduled:
    asked = backoff.asked_for(retry_after)
    planned = draft.policy.retries[reply.failures - 1] if is_asked else asked
    since = reply.failing_since or draft.now
    return RetryScheduled(
        reply_id=reply.reply_id,
        attempt=reply.attempt,
        due=draft.now + max(backoff.spread(planned, reply.reply_id, reply.attempt), asked),
        holds_later=since + draft.policy.order_wait > draft.now,
    )


def _is_given_up(draft: Draft, reply_id: str) -> bool:
    return any(
        one.reply.reply_id == reply_id and one.wait is not Wait.CONFIRMATION
        for one in draft.state.held
    )


def _fallback(draft: Draft, reply: Pending) -> FallbackChosen | None:
    for number, way in enumerate(draft.policy.fallbacks, 1):
        provider = CHANNELS.get(way.provider)
        if number <= reply.fallbacks or provider is None:
            continue
        to = _address(draft, way, provider.platform)
        if to is not None:
            return FallbackChosen(
                reply_id=reply.reply_id,
                attempt=reply.attempt + 1,
                number=number,
                platform=provider.platform,
                provider=way.provider,
                account=way.account,
                to=to,
            )
    return None


def _address(draft: Draft, way: Fallback, platform: Platform) -> str | None:
    profile = draft.state.profile
    if way.to is None and platform is Platform.SMS and profile is not None:
        return profile.phone_e164
    return way.to
