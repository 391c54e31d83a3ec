"""A message becomes a fact, and the first handler that can answers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from providers.protocol import Message
from schemas import identity
from schemas.content import ActionTaken, MessageKind, Origin
from schemas.facts import HandlerFailed, MessageReceived, QuestionAnswered
from schemas.inputs import AnswerReported, WebhookReceived
from streams.decide import conversation, replies
from streams.decide.commands import Command
from streams.decide.draft import Draft
from streams.decide.handlers import AnswerHandler, Chat, Effect, Handler, Received
from streams.decide.replies import Turn
from streams.decide.state import Conversation, OpenQuestion, Profile

NEVER_ANSWERED: Final = frozenset({MessageKind.REACTION, MessageKind.SYSTEM})


@dataclass(frozen=True, slots=True)
class Handled:
    """What was done with a message: by whom, with which effects, or why it could not be."""

    action: ActionTaken
    handler: str = ""
    effects: Sequence[Effect] = ()
    error: str | None = None


UNANSWERED: Final = Handled(ActionTaken.RECORDED)


def take(draft: Draft, item: WebhookReceived, message: Message) -> None:
    """Record the message in the open conversation and apply what its handler says."""
    is_new = draft.before.address is None
    conversation.expire_mode(draft)
    talk = conversation.ensure_open(draft)
    handled = UNANSWERED
    if is_to_be_answered(message):
        handled = _handle(draft, talk, message, is_new=is_new)
    draft.record(_received(draft, talk, message, handled.action))
    _follow(draft, item, message, handled)


def answer(draft: Draft, told: AnswerReported) -> None:
    """Give an answer to the handler that asked; one that nobody awaits changes nothing."""
    asked = next((q for q in draft.state.questions if q.question_id == told.question_id), None)
    if asked is None:
        return
    draft.record(QuestionAnswered(question_id=asked.question_id, error=told.error))
    handler = draft.policy.handler(asked.handler)
    if isinstance(handler, AnswerHandler):
        effects = _answered(draft, handler, told)
        replies.apply(draft, _turn_of(asked), effects)


def is_to_be_answered(message: Message) -> bool:
    """Whether handlers are asked: not for echoes, groups, reactions and notices."""
    silent = message.from_human or message.is_group
    return not silent and message.content.kind not in NEVER_ANSWERED


def _handle(draft: Draft, talk: Conversation, message: Message, *, is_new: bool) -> Handled:
    chat = _seen(draft, talk, is_new=is_new, more=1)
    received = Received(
        platform_message_id=message.platform_message_id,
        content=message.content,
        command=(message.content.text or "").strip().upper(),
        now=draft.now,
    )
    for handler in draft.policy.handlers:
        try:
            if handler.can_handle(chat, received):
                effects = tuple(handler.handle(chat, received))
                return Handled(_action(handler), handler.name, effects)
        except Exception as error:  # noqa: BLE001  # a team's own code must not stop its chat
            return Handled(ActionTaken.HANDLER_FAILED, handler.name, error=_words(error))
    return UNANSWERED


def _action(handler: Handler) -> ActionTaken:
    return ActionTaken.COMMAND if isinstance(handler, Command) else ActionTaken.REPLIED


def _words(error: Exception) -> str:
    return type(error).__name__


def _seen(draft: Draft, talk: Conversation, *, is_new: bool, more: int) -> Chat:
    return Chat(
        chat_id=draft.state.chat_id,
        tenant=draft.state.tenant,
        profile=draft.state.profile or Profile(),
        is_new=is_new,
        mode=draft.state.mode,
        message_count=talk.message_count + more,
        user_count=talk.user_count + more,
        lines=talk.lines,
    )


def _received(
    draft: Draft, talk: Conversation, message: Message, action: ActionTaken
) -> MessageReceived:
    platform_id = message.platform_message_id
    chat = draft.state.chat_id
    from_user = not message.from_human
    return MessageReceived(
        message_id=identity.message_id(chat=chat, platform_message_id=platform_id),
        conversation_id=talk.conversation_id,
        number=talk.message_count + 1,
        user_number=talk.user_count + from_user,
        origin=Origin.USER if from_user else Origin.HUMAN,
        platform_message_id=platform_id,
        platform_timestamp=message.platform_timestamp,
        content=message.content,
        reply_to=message.reply_to,
        speaker=message.speaker,
        action=action,
    )


def _follow(draft: Draft, item: WebhookReceived, message: Message, handled: Handled) -> None:
    platform_id = message.platform_message_id
    if handled.error is not None:
        failed = HandlerFailed(
            handler=handled.handler, error=handled.error, in_reply_to=platform_id
        )
        draft.record(failed)
    turn = Turn(handled.handler, platform_id, item.provider, item.account)
    replies.apply(draft, turn, handled.effects)


def _answered(draft: Draft, handler: AnswerHandler, told: AnswerReported) -> Sequence[Effect]:
    talk = draft.state.conversation or conversation.ensure_open(draft)
    chat = _seen(draft, talk, is_new=False, more=0)
    return handler.answer(chat, told.answer, told.error)


def _turn_of(asked: OpenQuestion) -> Turn:
    return Turn(asked.handler, asked.in_reply_to, asked.provider, asked.account)
