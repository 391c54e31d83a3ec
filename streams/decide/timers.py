"""What a chat waits for, and what happens when the time has come."""

from datetime import datetime

from schemas.inputs import Timer
from streams.decide.conversation import close_if_idle, expire_mode
from streams.decide.draft import Draft
from streams.decide.policy import Policy
from streams.decide.state import ChatState


def next_due(state: ChatState, policy: Policy) -> tuple[datetime, Timer] | None:
    """The first time at which the chat wants to be woken, and for what."""
    waiting = []
    talk = state.conversation
    if talk is not None and talk.closing is None:
        waiting.append((talk.active_at + policy.idle_close, Timer.IDLE_CLOSE))
    if state.mode is not None:
        waiting.append((state.mode.until, Timer.MODE_EXPIRY))
    return min(waiting, default=None)


def fire(draft: Draft) -> None:
    """Do what is due by now; a timer that fired too early or too late changes nothing else."""
    expire_mode(draft)
    close_if_idle(draft)
