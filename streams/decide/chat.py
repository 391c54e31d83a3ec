"""The decider: one input of one chat in, facts and work orders out. Everything starts here."""

from typing import assert_never

from providers.registry import PROVIDERS
from schemas.content import CloseReason
from schemas.envelope import Recorded
from schemas.inputs import (
    AnswerReported,
    CloseConversation,
    Input,
    SendReported,
    TimerFired,
    WebhookReceived,
    WebhookUnrouted,
)
from streams.decide import conversation, delivery, incoming, messages, replies, timers
from streams.decide.draft import Decision, Draft
from streams.decide.policy import Policy
from streams.decide.state import ChatState


def decide(state: ChatState, cause: Recorded[Input], policy: Policy) -> Decision:
    """The facts and work orders that `cause` leads to, and the chat's state after them.

    The same arguments always give the same decision. Time is the input's, never the clock's.
    """
    draft = Draft(state, cause, policy)
    _take(draft, cause.data)
    conversation.finish_closing(draft)
    replies.hand_out(draft)
    return draft.decision()


def _take(draft: Draft, data: Input) -> None:
    match data:
        case WebhookReceived():
            told = PROVIDERS[data.provider].parse(data.kind, data.fragment)
            incoming.take(draft, data, told)
        case SendReported():
            delivery.report(draft, data)
        case TimerFired():
            timers.fire(draft)
        case AnswerReported():
            messages.answer(draft, data)
        case CloseConversation():
            conversation.start_closing(draft, CloseReason.OPERATOR)
        case WebhookUnrouted():
            pass  # it waits outside the chats until its account has a tenant
        case _:
            assert_never(data)
