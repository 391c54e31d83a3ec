"""A message becomes a fact, and the first handler that can answers it."""

from collections.abc import Sequence
from typing import Final

from providers.protocol import Message
from schemas import identity
from schemas.content import ActionTaken, Json, MessageKind, Origin
from schemas.facts import HandlerFailed, MessageImported, MessageReceived, QuestionAnswered
from schemas.inputs import AnswerReported, WebhookReceived
from schemas.value import Value
from streams.decide import assisting, conversation, enrichment, pausing, replies
from streams.decide.commands import Command
from streams.decide.draft import Draft
from streams.decide.handlers import CONVERSE, AnswerHandler, Chat, Effect, Handler, Received
from streams.decide.state import Conversation, OpenQuestion, Profile
from streams.decide.turns import Turn

NEVER_ANSWERED: Final = frozenset({MessageKind.REACTION, MessageKind.SYSTEM})


class Handled(Value, frozen=True):
    """What was done with a message: by whom, with which effects, or why it could not be."""

    action: ActionTaken
    handler: str = ""
    effects: Sequence[Effect] = ()
    error: str | None = None


UNANSWERED: Final = Handled(ActionTaken.RECORDED)
IGNORED: Final = Handled(ActionTaken.IGNORED_PAUSED)


def take(draft: Draft, item: WebhookReceived, message: Message) -> None:
    """Record the message in the open conversation and apply what its handler says."""
    is_new = draft.before.conversations == draft.before.imported == 0
    conversation.expire_mode(draft)
    pausing.resume_if_over(draft)
    talk = conversation.ensure_open(draft)
    handled = UNANSWERED
    if is_to_be_answered(message):
        is_paused = draft.state.pause is not None
        handled = IGNORED if is_paused else _handle(draft, talk, message, is_new=is_new)
    if handled.action is ActionTaken.AWAITING:
        assisting.join(draft, talk)
    _record(draft, item, _received(draft, talk, message, Origin.USER, handled.action))
    _follow(draft, item, message, handled)


def by_business(draft: Draft, item: WebhookReceived | None, message: Message) -> None:
    """Record what a human wrote for the business, who takes over, or what a program sent.

    `item` is None where the message was held.
    """
    talk = conversation.ensure_open(draft)
    if message.is_own:
        received = _received(draft, talk, message, Origin.OPERATOR, ActionTaken.RECORDED)
        _record(draft, item, received)
        return
    takes_over = draft.state.pause is None and _is_said_in_private(draft, message)
    action = ActionTaken.PAUSED if takes_over else ActionTaken.RECORDED
    _record(draft, item, _received(draft, talk, message, Origin.HUMAN, action))
    if takes_over:
        pausing.take_over(draft)


def bring_in(draft: Draft, message: Message) -> None:
    """Record a message of before our time beside all conversations; nothing follows from it."""
    chat, platform_id = draft.state.chat_id, message.platform_message_id
    draft.record(
        MessageImported(
            message_id=identity.message_id(chat=chat, platform_message_id=platform_id),
            conversation_id=identity.conversation_id(chat, 0),
            number=draft.state.imported + 1,
            origin=_origin(message),
            platform_message_id=platform_id,
            platform_timestamp=message.platform_timestamp,
            content=message.content,
            reply_to=message.reply_to,
            speaker=message.speaker,
            action=ActionTaken.IMPORTED,
        )
    )


def answer(draft: Draft, told: AnswerReported) -> None:
    """Give an answer to the handler that asked; one that nobody awaits changes nothing."""
    asked = next((q for q in draft.state.questions if q.question_id == told.question_id), None)
    if asked is None:
        return
    draft.record(QuestionAnswered(question_id=asked.question_id, error=told.error))
    let_answer(draft, _turn_of(asked), told.answer, told.error)


def let_answer(draft: Draft, turn: Turn, answer: Json, error: str | None) -> None:
    """Give the handler what it has asked for; while the bot is silent, nothing follows."""
    handler = draft.policy.handler(turn.handler)
    if not isinstance(handler, AnswerHandler) or draft.state.pause is not None:
        return
    talk = draft.state.conversation or conversation.ensure_open(draft)
    chat = _seen(draft, talk, is_new=False, more=0)
    try:
        effects = tuple(handler.answer(chat, answer, error))
    except Exception as defect:  # noqa: BLE001  # a team's own code must not stop its chat
        _fail(draft, turn.handler, _words(defect), turn.in_reply_to)
    else:
        replies.apply(draft, turn, effects)


def is_to_be_answered(message: Message) -> bool:
    """Whether handlers are asked: not for groups, reactions and notices."""
    return not message.is_group and message.content.kind not in NEVER_ANSWERED


def is_by_business(message: Message) -> bool:
    """Whether the business wrote it: one of us, or a program."""
    return message.from_human or message.is_own


def _origin(message: Message) -> Origin:
    if message.is_own:
        return Origin.OPERATOR
    return Origin.HUMAN if message.from_human else Origin.USER


def _is_said_in_private(draft: Draft, message: Message) -> bool:
    """Where the bot answers: in groups it never does, and a reaction is no answer of a human's."""
    address = draft.state.address
    in_group = message.is_group or (address is not None and address.is_group)
    return not in_group and message.content.kind not in NEVER_ANSWERED


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
                return _handled(draft, handler, effects)
        except Exception as error:  # noqa: BLE001  # a team's own code must not stop its chat
            return Handled(ActionTaken.HANDLER_FAILED, handler.name, error=_words(error))
    return UNANSWERED


def _handled(draft: Draft, handler: Handler, effects: Sequence[Effect]) -> Handled:
    if CONVERSE in effects:
        if draft.policy.assistant is None:
            return Handled(ActionTaken.HANDLER_FAILED, handler.name, error=assisting.NO_MODEL)
        return Handled(ActionTaken.AWAITING, handler.name, effects)
    action = ActionTaken.COMMAND if isinstance(handler, Command) else ActionTaken.REPLIED
    return Handled(action, handler.name, effects)


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
    draft: Draft, talk: Conversation, message: Message, origin: Origin, action: ActionTaken
) -> MessageReceived:
    platform_id = message.platform_message_id
    chat = draft.state.chat_id
    return MessageReceived(
        message_id=identity.message_id(chat=chat, platform_message_id=platform_id),
        conversation_id=talk.conversation_id,
        number=talk.message_count + 1,
        user_number=talk.user_count + (origin is Origin.USER),
        origin=origin,
        platform_message_id=platform_id,
        platform_timestamp=message.platform_timestamp,
        content=message.content,
        reply_to=message.reply_to,
        speaker=message.speaker,
        action=action,
    )


def _record(draft: Draft, item: WebhookReceived | None, received: MessageReceived) -> None:
    draft.record(received)
    if draft.policy.media is None or received.content.media is None:
        return
    via = item or draft.state.address
    assert via is not None  # the chat has begun before anything is recorded in it
    enrichment.store(draft, received, provider=via.provider, account=via.account)


def _follow(draft: Draft, item: WebhookReceived, message: Message, handled: Handled) -> None:
    platform_id = message.platform_message_id
    if handled.error is not None:
        _fail(draft, handled.handler, handled.error, platform_id)
    turn = Turn(handled.handler, platform_id, item.provider, item.account)
    replies.apply(draft, turn, handled.effects)


def _fail(draft: Draft, handler: str, error: str, in_reply_to: str) -> None:
    draft.record(HandlerFailed(handler=handler, error=error, in_reply_to=in_reply_to))


def _turn_of(asked: OpenQuestion) -> Turn:
    return Turn(asked.handler, asked.in_reply_to, asked.provider, asked.account)
