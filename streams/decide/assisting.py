"""When the model is asked, and when it no longer is.

What comes within the tenant's quiet time is one burst and gets one answer. One answer is sought
at a time: what comes while the model thinks is the next burst, asked when the answer has come. A
pause or the end of the conversation discards what is awaited or sought, at once. A merged
chat alone brings to its end what it had begun, before its conversation closes.
"""

from datetime import datetime, timedelta
from typing import Final

from schemas import identity
from schemas.content import ActionTaken, CloseReason, DiscardReason, Origin
from schemas.facts import (
    AnswerAwaited,
    AnswerDiscarded,
    AnswerRequested,
    AssistantJoined,
    HandlerFailed,
    SummaryRequested,
)
from streams.decide import evolve_jobs, jobs
from streams.decide.draft import Draft
from streams.decide.state import (
    AnswerWork,
    Assisted,
    Awaited,
    ChatState,
    Conversation,
    FileWork,
    Job,
    SummaryWork,
)
from streams.decide.turns import Turn

NO_MODEL: Final = "NoModel"
"""A handler left a message to the model of a tenant that has none."""
FORGOTTEN: Final = "MessageForgotten"
"""A handler left a message to the model after so long that the chat no longer knows its words."""
LONGEST_BURST: Final = 10
"""Quiet times after which a burst is answered though messages still come."""
SUMMARIES: Final = 3
"""Summaries that are sought at a time; a conversation that closes meanwhile gets none."""


def join(draft: Draft, talk: Conversation) -> None:
    """From now on what is said in the conversation is remembered for the model."""
    known = draft.state.assisted
    if known is None or known.conversation_id != talk.conversation_id:
        draft.record(AssistantJoined(conversation_id=talk.conversation_id))


def join_if_responder(draft: Draft, talk: Conversation) -> None:
    """Remember from the start what the model is to answer; in groups it never does."""
    policy, address = draft.policy.assistant, draft.state.address
    in_group = address is not None and address.is_group
    if policy is not None and policy.is_responder and not in_group:
        join(draft, talk)


def take(draft: Draft, turn: Turn) -> None:
    """Have a message answered by the model, unless that is on its way."""
    state, platform_id = draft.state, turn.in_reply_to
    message_id = identity.message_id(chat=state.chat_id, platform_message_id=platform_id)
    known, policy = state.assisted, draft.policy.assistant
    if policy is None:
        _fail(draft, turn, NO_MODEL)
    elif known is None or not any(one.message_id == message_id for one in known.said):
        _fail(draft, turn, FORGOTTEN)
    elif state.conversation is None or state.conversation.closing is not None:
        _discard(draft, None, (platform_id,), DiscardReason.CLOSED)
    elif not _is_awaited(state, message_id):
        has_file = _is_file_awaited(state, message_id)
        draft.record(
            AnswerAwaited(
                message_id=message_id,
                platform_message_id=platform_id,
                provider=turn.provider,
                account=turn.account,
                ask_at=_ask_at(draft, known, policy.quiet),
                wait_until=draft.now + (policy.media_wait if has_file else timedelta(0)),
            )
        )


def ask_if_ready(draft: Draft) -> None:
    """Ask the model, once for all that is awaited, if the time has come."""
    ready, known = ready_at(draft.state), draft.state.assisted
    if ready is None or known is None or ready > draft.now:
        return
    job_id, last = draft.next_job_id(), known.awaited[-1]
    assert known.conversation_id is not None  # what is awaited is in the open conversation
    draft.record(
        AnswerRequested(
            job_id=job_id,
            conversation_id=known.conversation_id,
            answers=tuple(one.message_id for one in known.awaited),
            provider=last.provider,
            account=last.account,
            in_reply_to=last.platform_message_id,
        )
    )
    jobs.start(draft, job_id)


def ready_at(state: ChatState) -> datetime | None:
    """When the model is to be asked, None if nothing is awaited or an answer is being sought."""
    known = state.assisted
    if known is None or known.ask_at is None or _sought(state) is not None:
        return None
    waits = (one.wait_until for one in known.awaited if _is_file_awaited(state, one.message_id))
    return max((known.ask_at, *waits))


def is_any_awaited(state: ChatState) -> bool:
    """Whether the model is still to answer something."""
    is_waiting = state.assisted is not None and bool(state.assisted.awaited)
    return is_waiting or _sought(state) is not None


def discard(draft: Draft, reason: DiscardReason) -> None:
    """What the model was to answer, it does not."""
    if draft.state.assisted is None:
        return
    sought = _sought(draft.state)
    if sought is not None:
        job, work = sought
        _discard(draft, job.job_id, names(work.answers), reason)
    if waiting := draft.state.assisted.awaited:
        _discard(draft, None, names(waiting), reason)


def give_up(draft: Draft, job: Job, work: AnswerWork) -> None:
    """The model has failed to answer, and nothing is said instead."""
    _discard(draft, job.job_id, names(work.answers), DiscardReason.FAILED)


def forget(draft: Draft, platform_message_id: str) -> None:
    """Who takes a message back before the model was asked gets no answer to it."""
    known = draft.state.assisted
    if known is not None and platform_message_id in names(known.awaited):
        _discard(draft, None, (platform_message_id,), DiscardReason.DELETED)


def is_latest(state: ChatState, work: SummaryWork) -> bool:
    """Whether no later conversation of the chat is summed up yet."""
    return state.assisted is None or work.number >= state.assisted.summarised


def summarise(draft: Draft, talk: Conversation) -> None:
    """Have a conversation that closes summed up, where somebody has said something."""
    known, policy = draft.state.assisted, draft.policy.assistant
    if known is None or policy is None or not policy.summarises:
        return
    is_ours = known.conversation_id == talk.conversation_id
    sought = [job for job in evolve_jobs.opened(draft.state) if isinstance(job.work, SummaryWork)]
    has_user = any(one.origin is Origin.USER for one in known.said)
    if is_ours and has_user and len(sought) < SUMMARIES:
        job_id = draft.next_job_id()
        draft.record(SummaryRequested(job_id=job_id, conversation_id=talk.conversation_id))
        jobs.start(draft, job_id)


def ends_with(reason: CloseReason) -> bool:
    """Whether a conversation that closes for this reason ends what the model was to answer."""
    return reason is not CloseReason.MERGED


def names(messages: tuple[Awaited, ...]) -> tuple[str, ...]:
    """The platform's names of messages."""
    return tuple(one.platform_message_id for one in messages)


def _ask_at(draft: Draft, known: Assisted, quiet: timedelta) -> datetime:
    first = known.awaited[0].at if known.awaited else draft.now
    return max(draft.now, min(draft.now + quiet, first + quiet * LONGEST_BURST))


def _sought(state: ChatState) -> tuple[Job, AnswerWork] | None:
    for job in evolve_jobs.opened(state):
        if isinstance(job.work, AnswerWork):
            return job, job.work
    return None


def _is_awaited(state: ChatState, message_id: str) -> bool:
    sought, known = _sought(state), state.assisted
    waiting = () if known is None else known.awaited
    asked = () if sought is None else sought[1].answers
    return any(one.message_id == message_id for one in (*waiting, *asked))


def _is_file_awaited(state: ChatState, message_id: str) -> bool:
    return any(
        isinstance(job.work, FileWork) and job.work.message_id == message_id
        for job in evolve_jobs.opened(state)
    )


def _discard(
    draft: Draft, job_id: str | None, answers: tuple[str, ...], reason: DiscardReason
) -> None:
    is_paused = reason is DiscardReason.PAUSED
    action = ActionTaken.IGNORED_PAUSED if is_paused else ActionTaken.RECORDED
    draft.record(AnswerDiscarded(job_id=job_id, answers=answers, reason=reason, action=action))


def _fail(draft: Draft, turn: Turn, error: str) -> None:
    draft.record(HandlerFailed(handler=turn.handler, error=error, in_reply_to=turn.in_reply_to))
