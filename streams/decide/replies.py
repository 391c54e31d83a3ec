"""What follows from a handler's effects; replies of a chat leave one after the other."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from schemas.content import CloseReason, Origin, Prompt
from schemas.facts import ModeEntered, ModeLeft, PromptAsked, QuestionAsked, ReplyGenerated
from schemas.work import AnswerQuestion, Question, SendMessage
from streams.decide import assisting, conversation, jobs, window
from streams.decide.draft import Draft
from streams.decide.handlers import Ask, Close, Converse, Effect, EnterMode, LeaveMode, Reply
from streams.decide.state import ChatState, Pending, in_flight
from streams.decide.turns import Turn


def apply(draft: Draft, turn: Turn, effects: Sequence[Effect]) -> None:
    """Record what `effects` lead to, in their order."""
    for effect in effects:
        match effect:
            case Reply():
                reply_id = draft.next_id()
                generate(draft, turn, effect, reply_id=reply_id, received_at=draft.cause.time)
            case Close():
                conversation.start_closing(draft, CloseReason.COMMAND)
            case EnterMode():
                until = draft.now + effect.length
                draft.record(ModeEntered(mode=effect.mode, until=until))
            case LeaveMode():
                _leave_mode(draft)
            case Ask():
                _ask(draft, turn, effect.question)
            case Converse():
                assisting.take(draft, turn)
            case _:
                assert_never(effect)


def generate(
    draft: Draft, turn: Turn, reply: Reply, *, reply_id: str, received_at: datetime
) -> None:
    """Record the bot's reply; it leaves when it is next."""
    talk = draft.state.conversation or conversation.ensure_open(draft)
    draft.record(
        ReplyGenerated(
            reply_id=reply_id,
            conversation_id=talk.conversation_id,
            number=talk.message_count + 1,
            origin=Origin.BOT,
            handler=turn.handler,
            provider=turn.provider,
            account=turn.account,
            content=reply.content,
            in_reply_to=turn.in_reply_to if reply.quote else None,
            received_at=received_at,
        )
    )


def hand_out(draft: Draft) -> None:
    """Order the reply that is next to be sent, unless it was so before."""
    away = in_flight(draft.before)
    while (head := in_flight(draft.state)) is not None:
        if away is not None and away.reply_id == head.reply_id and away.attempt == head.attempt:
            return
        if not window.is_over(draft, head):
            draft.order(_send(head, draft.state))
            return
        window.choose_otherwise(draft, head)


def _send(head: Pending, state: ChatState) -> SendMessage:
    return SendMessage(
        reply_id=head.reply_id,
        attempt=head.attempt,
        provider=head.provider,
        account=head.account,
        to=head.to or _address(state),
        content=head.content,
        reply_to=head.reply_to,
        received_at=head.received_at,
    )


def _address(state: ChatState) -> str:
    assert state.reached_at is not None  # a chat is started before anything is answered
    return state.reached_at


def _leave_mode(draft: Draft) -> None:
    if draft.state.mode is not None:
        draft.record(ModeLeft(mode=draft.state.mode.name, expired=False))


def _ask(draft: Draft, turn: Turn, question: Question | Prompt) -> None:
    if isinstance(question, Prompt):
        _prompt(draft, turn, question)
        return
    question_id = draft.next_id()
    draft.record(
        QuestionAsked(
            question_id=question_id,
            question=question,
            handler=turn.handler,
            provider=turn.provider,
            account=turn.account,
            in_reply_to=turn.in_reply_to,
        )
    )
    draft.order(AnswerQuestion(question_id=question_id, question=question))


def _prompt(draft: Draft, turn: Turn, prompt: Prompt) -> None:
    job_id = draft.next_job_id()
    draft.record(
        PromptAsked(
            job_id=job_id,
            prompt=prompt,
            handler=turn.handler,
            provider=turn.provider,
            account=turn.account,
            in_reply_to=turn.in_reply_to,
        )
    )
    jobs.start(draft, job_id)
