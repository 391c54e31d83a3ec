"""What a chat waits for, and what happens when the time has come."""

from collections.abc import Iterator
from datetime import datetime

from schemas.inputs import Timer
from streams.decide import assisting, jobs
from streams.decide.conversation import close_if_idle, expire_mode
from streams.decide.draft import Draft
from streams.decide.echoes import held_until
from streams.decide.pausing import over_at, resume_if_over
from streams.decide.policy import Policy
from streams.decide.retries import confirmed_by, released_at
from streams.decide.state import ChatState, Wait


def next_due(state: ChatState, policy: Policy) -> tuple[datetime, Timer] | None:
    """The first time at which the chat wants to be woken, and for what."""
    waiting = []
    talk = state.conversation
    if talk is not None and talk.closing is None:
        waiting.append((talk.active_at + policy.idle_close, Timer.IDLE_CLOSE))
    if state.mode is not None:
        waiting.append((state.mode.until, Timer.MODE_EXPIRY))
    if state.pause is not None and (over := over_at(state.pause, policy)) is not None:
        waiting.append((over, Timer.AUTO_RESUME))
    if state.held or state.echoes:
        waiting += _deliveries(state, policy)
    if state.jobs is not None:
        waiting += ((due, Timer.JOB) for due in jobs.due(state))
    if state.assisted is not None and (ready := assisting.ready_at(state)) is not None:
        waiting.append((ready, Timer.ANSWER))
    return min(waiting, default=None)


def _deliveries(state: ChatState, policy: Policy) -> Iterator[tuple[datetime, Timer]]:
    for one in state.held:
        if one.wait is Wait.RETRY and one.due is not None:
            yield one.due, Timer.RETRY
        if one.wait is Wait.RETRY and one.holds:
            yield released_at(one, policy), Timer.RETRY
        if one.wait is Wait.CONFIRMATION and one.holds:
            yield confirmed_by(one, policy), Timer.CONFIRMATION
    for echo in state.echoes:
        yield held_until(echo, policy), Timer.CONFIRMATION


def fire(draft: Draft) -> None:
    """Do what is due by now; a timer that fired too early or too late changes nothing else.

    What held replies and echoes, jobs and the model wait for is looked after with every input.
    """
    expire_mode(draft)
    resume_if_over(draft)
    close_if_idle(draft)
