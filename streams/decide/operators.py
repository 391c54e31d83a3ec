"""What operators want of a chat; what cannot be done is refused, and that is recorded too."""

from schemas.content import CloseReason, Origin
from schemas.facts import (
    CloseRequested,
    CommandRefused,
    JobRetryRequested,
    ReplyGenerated,
    RetryRequested,
    SendRequested,
)
from schemas.inputs import CloseConversation, PauseChat, RetryDelivery, RetryJob, SendByHand
from streams.decide import conversation, evolve_jobs, jobs, pausing
from streams.decide.draft import Draft
from streams.decide.state import ChatState


def close(draft: Draft, wanted: CloseConversation) -> None:
    """Close the open conversation; nothing happens where there is none."""
    talk = draft.state.conversation
    if talk is not None and talk.closing is None:
        draft.record(CloseRequested(by=wanted.by))
        conversation.start_closing(draft, CloseReason.OPERATOR)


def pause(draft: Draft, wanted: PauseChat) -> None:
    """Silence the bot."""
    if draft.state.address is None:
        _refuse(draft, "PauseChat", wanted.by, "nobody has written in this chat")
    else:
        pausing.pause(draft, wanted.by)


def retry(draft: Draft, wanted: RetryDelivery) -> None:
    """Start a new attempt to send a reply that waits for whatever."""
    held = (one.reply for one in draft.state.held if one.reply.reply_id == wanted.reply_id)
    reply = next(held, None)
    if reply is None:
        _refuse(draft, "RetryDelivery", wanted.by, _why_not(draft.state, wanted.reply_id))
    else:
        draft.record(
            RetryRequested(reply_id=reply.reply_id, attempt=reply.attempt + 1, by=wanted.by)
        )


def retry_job(draft: Draft, wanted: RetryJob) -> None:
    """Start a new attempt at a job that waits for its time, or was given up."""
    running = evolve_jobs.find(draft.state, wanted.job_id)
    job = running or evolve_jobs.given_up(draft.state, wanted.job_id)
    if job is None:
        _refuse(draft, "RetryJob", wanted.by, "the chat does not remember such a job")
    elif running is not None and running.due is None:
        _refuse(draft, "RetryJob", wanted.by, "the job is on its way")
    else:
        again = JobRetryRequested(job_id=job.job_id, attempt=job.attempt + 1, by=wanted.by)
        draft.record(again)
        jobs.start(draft, job.job_id)


def send(draft: Draft, wanted: SendByHand) -> None:
    """Send what an operator wrote, after what is on its way."""
    address = draft.state.address
    if address is None:
        _refuse(draft, "SendByHand", wanted.by, "nobody has written in this chat")
        return
    talk = conversation.ensure_open(draft)
    reply_id = draft.next_id()
    draft.record(SendRequested(reply_id=reply_id, by=wanted.by))
    draft.record(
        ReplyGenerated(
            reply_id=reply_id,
            conversation_id=talk.conversation_id,
            number=talk.message_count + 1,
            origin=Origin.OPERATOR,
            handler="",
            provider=address.provider,
            account=address.account,
            content=wanted.content,
            in_reply_to=wanted.reply_to,
            received_at=draft.cause.time,
        )
    )


def _why_not(state: ChatState, reply_id: str) -> str:
    if any(reply.reply_id == reply_id for reply in state.outbox):
        return "the reply is on its way"
    if any(sent.reply_id == reply_id for sent in state.sent):
        return "the reply was sent"
    return "the chat does not remember such a reply"


def _refuse(draft: Draft, command: str, by: str, reason: str) -> None:
    draft.record(CommandRefused(command=command, by=by, reason=reason))
