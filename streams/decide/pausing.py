"""The bot is silent while a human talks, or while an operator wants it so."""

from datetime import datetime

from schemas.content import DiscardReason, PauseReason
from schemas.facts import BotPaused, BotResumed
from streams.decide import assisting
from streams.decide.draft import Draft
from streams.decide.policy import Policy
from streams.decide.state import Pause


def take_over(draft: Draft) -> None:
    """A human has written; the bot leaves the chat to them."""
    if draft.state.pause is None:
        _silence(draft, BotPaused(reason=PauseReason.HUMAN_TAKEOVER, by=None))


def pause(draft: Draft, by: str) -> None:
    """An operator silences the bot; nothing happens where one has done so."""
    known = draft.state.pause
    if known is None or known.reason is not PauseReason.MANUAL_PAUSE:
        _silence(draft, BotPaused(reason=PauseReason.MANUAL_PAUSE, by=by))


def resume(draft: Draft, by: str) -> None:
    """An operator lets the bot answer again; nothing happens where it does."""
    if draft.state.pause is not None:
        draft.record(BotResumed(by=by, is_automatic=False))


def resume_if_over(draft: Draft, by: str | None = None) -> None:
    """Let the bot answer again if no human was active for the tenant's time."""
    known = draft.state.pause
    over = None if known is None else over_at(known, draft.policy)
    if over is not None and over <= draft.now:
        draft.record(BotResumed(by=by, is_automatic=True))


def over_at(known: Pause, policy: Policy) -> datetime | None:
    """When the pause is over by itself, None for never."""
    return None if policy.auto_resume is None else known.human_at + policy.auto_resume


def _silence(draft: Draft, fact: BotPaused) -> None:
    """The model's answer, too, is not given."""
    draft.record(fact)
    assisting.discard(draft, DiscardReason.PAUSED)
