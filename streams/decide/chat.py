"""The decider: one input of one chat in, facts and work orders out. Everything starts here."""

from typing import assert_never

from providers.protocol import Incoming
from providers.registry import PROVIDERS
from schemas.envelope import Recorded
from schemas.inputs import (
    AnswerReported,
    AutoResume,
    ChatLinked,
    CloseConversation,
    Input,
    JobReported,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    RetryJob,
    SendByHand,
    SendReported,
    TimerFired,
    WebhookReceived,
    WebhookUnrouted,
)
from streams.decide import (
    assisting,
    conversation,
    echoes,
    incoming,
    job_reports,
    jobs,
    linking,
    messages,
    operators,
    pausing,
    replies,
    reports,
    retries,
    timers,
)
from streams.decide.draft import Decision, Draft
from streams.decide.policy import Policy
from streams.decide.state import ChatState


def decide(state: ChatState, cause: Recorded[Input], policy: Policy) -> Decision:
    """The facts and work orders that `cause` leads to, and the chat's state after them.

    The same arguments always give the same decision. Time is the input's, never the clock's.
    """
    draft = Draft(state, cause, policy)
    told = _told(cause.data)
    if not linking.is_taken(draft, cause.data, told):
        return draft.decision()
    _wake(draft)
    _take(draft, cause.data, told)
    if draft.state.echoes:
        echoes.settle(draft)
    if draft.state.merged_into is not None:
        linking.let_go(draft)
    if draft.state.assisted is not None:
        assisting.ask_if_ready(draft)
    replies.hand_out(draft)
    conversation.finish_closing(draft)
    return draft.decision()


def _told(data: Input) -> Incoming | None:
    if isinstance(data, WebhookReceived):
        return PROVIDERS[data.provider].parse(data.kind, data.fragment)
    return None


def _wake(draft: Draft) -> None:
    """Whatever the input is, what was due before it comes first."""
    if draft.state.held:
        retries.wake(draft)
    if draft.state.echoes:
        echoes.wake(draft)
    if draft.state.jobs is not None:
        jobs.wake(draft)


def _take(draft: Draft, data: Input, told: Incoming | None) -> None:  # noqa: C901, PLR0912, PLR0915  # one arm an input
    match data:
        case WebhookReceived():
            assert told is not None  # every webhook item is parsed
            incoming.take(draft, data, told)
        case SendReported():
            reports.report(draft, data)
        case TimerFired():
            timers.fire(draft)
        case AnswerReported():
            messages.answer(draft, data)
        case CloseConversation():
            operators.close(draft, data)
        case RetryDelivery():
            operators.retry(draft, data)
        case SendByHand():
            operators.send(draft, data)
        case PauseChat():
            operators.pause(draft, data)
        case ResumeChat():
            pausing.resume(draft, data.by)
        case AutoResume():
            pausing.resume_if_over(draft, data.by)
        case ChatLinked():
            linking.link(draft, data)
        case JobReported():
            job_reports.report(draft, data)
        case RetryJob():
            operators.retry_job(draft, data)
        case WebhookUnrouted():
            pass  # it waits outside the chats until its account has a tenant
        case _:
            assert_never(data)
