"""A person known by two ids has two chats: the younger joins the older, which goes on for both."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal, assert_never

from providers.protocol import Deletion, Edit, Incoming, Message, StatusReport
from schemas import identity
from schemas.content import CloseReason, Platform
from schemas.facts import AliasLearned, BotResumed, ChatMerged, ChatMoved, ModeLeft
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
from streams.decide import conversation, delivery, evolve_jobs
from streams.decide.draft import Draft
from streams.decide.messages import is_by_business
from streams.decide.state import Address, ChatState, unconfirmed

LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
"""When a chat began whose state is older than the note of it."""

_REFERRING: Final = (StatusReport, Message)
"""What may tell which message of ours it is about."""

MERGED: Final = "merged chat"
"""Who pauses the chat that goes on, if the bot was silent in the one that joins it."""


def is_taken(draft: Draft, data: Input, told: Incoming | None) -> bool:
    """Whether the input is to be decided here; a merged chat passes on what is not its own.

    Its own are the replies that it had begun to send. Edits and deletions name a message of
    either chat: both record them, and one has the message.
    """
    state = draft.state
    into = state.merged_into
    if (sender := _sender(state, told)) is not None:
        return sender == state.chat_id or _passed_on(draft, sender)
    if into is None or _is_own(state, data, told):
        return True
    if isinstance(told, Edit | Deletion):
        draft.copy(into)
        return True
    return _passed_on(draft, into)


def learn(
    draft: Draft, item: WebhookReceived, names: Sequence[str], *, moved_to: str | None = None
) -> None:
    """Note each new name of this chat, and tell the chat that has it; the chat has begun."""
    for name in names:
        if name in draft.state.aliases:
            continue
        other = _chat_named(draft.state, item.platform, name)
        if other != draft.state.chat_id:
            draft.record(AliasLearned(platform_user_id=name))
            draft.tell(other, _linked(draft.state, known_as=name, moved_to=moved_to))
    if moved_to is not None:
        _move(draft, moved_to)


def follow(draft: Draft, item: WebhookReceived, message: Message) -> None:
    """Answer where the person wrote from last; what was written before a move changes nothing."""
    written_at, moved_at = message.platform_timestamp, draft.state.moved_at
    is_late = written_at is not None and moved_at is not None and written_at <= moved_at
    if not (is_late or message.from_human or message.is_own or message.is_history):
        _move(draft, item.platform_user_id)


def link(draft: Draft, told: ChatLinked) -> None:
    """Join the other chat if it is the older; otherwise answer, so that it joins this one."""
    state = draft.state
    if told.chat_id in {state.chat_id, state.merged_into}:
        return
    if not _is_older(state, told):
        _merge(draft, told)
        return
    if told.platform_user_id not in state.aliases:
        draft.record(AliasLearned(platform_user_id=told.platform_user_id))
    draft.tell(told.chat_id, _linked(state, known_as=told.platform_user_id))
    if told.moved_to is not None:
        _move(draft, told.moved_to)


def let_go(draft: Draft) -> None:
    """A merged chat begins nothing any more, and leaves the bot's silence to the one that goes on.

    What its own replies still lead to, an echo that was a human's after all, may begin some.
    """
    state, into = draft.state, draft.state.merged_into
    if into is None:
        return
    if state.mode is not None:
        draft.record(ModeLeft(mode=state.mode.name, expired=False))
    if state.pause is not None:
        draft.record(BotResumed(by=None, is_automatic=False))
        draft.tell(into, PauseChat(by=MERGED))
    conversation.start_closing(draft, CloseReason.MERGED)


def _passed_on(draft: Draft, chat_id: str) -> Literal[False]:
    draft.pass_on(chat_id)
    return False


def _sender(state: ChatState, told: Incoming | None) -> str | None:
    """The chat that sent what is told of, this one or one of the same person.

    Any other that a reference names may be anybody's: callback data is whatever was sent with it.
    """
    if not isinstance(told, _REFERRING) or told.reference is None:
        return None
    sender = delivery.sender(told.reference)
    is_known = sender in {state.chat_id, state.merged_into} or sender in _linked_chats(state)
    return sender if is_known else None


def _linked_chats(state: ChatState) -> list[str]:
    address = state.address
    if address is None:
        return []
    return [_chat_named(state, address.platform, name) for name in state.aliases]


def _is_own(state: ChatState, data: Input, told: Incoming | None) -> bool:
    match data:
        case SendReported() | TimerFired() | AnswerReported() | JobReported() | WebhookUnrouted():
            return True
        case ChatLinked():
            return data.chat_id in {state.chat_id, state.merged_into}
        case CloseConversation() | SendByHand() | PauseChat() | ResumeChat() | AutoResume():
            return False
        case RetryDelivery():
            return data.reply_id in _replies(state)
        case RetryJob():
            return evolve_jobs.is_remembered(state, data.job_id)
        case WebhookReceived():
            return _is_of_a_send(state, told)
        case _:
            assert_never(data)


def _is_of_a_send(state: ChatState, told: Incoming | None) -> bool:
    """Whether it tells of a reply of this chat: a status, or the reply coming back as an echo."""
    match told:
        case StatusReport():
            pass
        case Message() if is_by_business(told):
            pass
        case _:
            return False
    if (named := delivery.referred(state, told.reference)) is not None:
        return named[0] in _replies(state)
    if delivery.sent_as(state, told.platform_message_id) is not None:
        return True
    return bool(state.outbox or unconfirmed(state))  # it may be one that has no name yet


def _replies(state: ChatState) -> set[str]:
    """The replies that this chat remembers."""
    pending = (*state.outbox, *state.recent, *(held.reply for held in state.held))
    return {sent.reply_id for sent in state.sent} | {reply.reply_id for reply in pending}


def _is_older(state: ChatState, other: ChatLinked) -> bool:
    """The order is total: of any chats, the one that goes on is the same for all."""
    if state.address is None:
        return False
    return (_began(state), state.chat_id) < (other.started_at, other.chat_id)


def _merge(draft: Draft, told: ChatLinked) -> None:
    known = draft.state.address or Address(
        told.platform, told.known_as, told.provider, told.account, told.is_group
    )
    draft.record(
        ChatMerged(
            into=told.chat_id,
            platform=known.platform,
            platform_user_id=known.platform_user_id,
            provider=known.provider,
            account=known.account,
            is_group=known.is_group,
        )
    )


def _move(draft: Draft, platform_user_id: str) -> None:
    if platform_user_id != draft.state.reached_at:
        draft.record(ChatMoved(platform_user_id=platform_user_id))


def _linked(state: ChatState, *, known_as: str, moved_to: str | None = None) -> ChatLinked:
    address = state.address
    assert address is not None  # only a chat that has begun tells others
    return ChatLinked(
        chat_id=state.chat_id,
        started_at=_began(state),
        platform=address.platform,
        platform_user_id=address.platform_user_id,
        provider=address.provider,
        account=address.account,
        is_group=address.is_group,
        known_as=known_as,
        moved_to=moved_to,
    )


def _began(state: ChatState) -> datetime:
    return state.started_at or LONG_AGO


def _chat_named(state: ChatState, platform: Platform, name: str) -> str:
    return identity.chat_id(tenant=state.tenant, platform=platform, platform_user_id=name)
