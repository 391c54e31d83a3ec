"""A chat has at most one conversation that is not closed: open → closing → closed."""

from datetime import datetime

from schemas import identity
from schemas.content import CloseReason, DiscardReason
from schemas.facts import ConversationClosed, ConversationClosing, ConversationOpened, ModeLeft
from streams.decide import assisting
from streams.decide.draft import Draft
from streams.decide.state import ChatState, Conversation, PromptWork


def ensure_open(draft: Draft) -> Conversation:
    """The conversation a new message belongs to; one that is closing or idle is closed first."""
    close_if_idle(draft)
    talk = draft.state.conversation
    if talk is not None and talk.closing is not None:
        _close(draft, talk, talk.closing)
    return draft.state.conversation or _open(draft)


def close_if_idle(draft: Draft) -> None:
    """Close the conversation if nobody has said anything for the tenant's idle time."""
    talk = draft.state.conversation
    if talk is not None and talk.closing is None and idle_at(draft, talk) <= draft.now:
        start_closing(draft, CloseReason.IDLE)


def idle_at(draft: Draft, talk: Conversation) -> datetime:
    """When `talk` will have been idle for too long."""
    return talk.active_at + draft.policy.idle_close


def start_closing(draft: Draft, reason: CloseReason) -> None:
    """The open conversation takes no more messages; nothing happens where there is none."""
    talk = draft.state.conversation
    if talk is not None and talk.closing is None:
        draft.record(ConversationClosing(conversation_id=talk.conversation_id, reason=reason))
        if assisting.ends_with(reason):
            assisting.discard(draft, DiscardReason.CLOSED)


def finish_closing(draft: Draft) -> None:
    """A closing conversation is closed when no reply or answer of it is still on its way."""
    talk = draft.state.conversation
    if talk is None or talk.closing is None or draft.state.questions or _is_asked(draft.state):
        return
    if not _is_any_on_its_way(draft.state, talk.conversation_id):
        _close(draft, talk, talk.closing)


def _is_any_on_its_way(state: ChatState, conversation_id: str) -> bool:
    """Whether a reply is to leave soon; for what waits longer, no conversation stays open."""
    soon = (one.reply for one in state.held if one.holds)
    return any(reply.conversation_id == conversation_id for reply in (*state.outbox, *soon))


def _is_asked(state: ChatState) -> bool:
    """Whether the model is still to say something: to a handler, or in a chat that has merged."""
    if state.jobs is not None and any(isinstance(job.work, PromptWork) for job in state.jobs.open):
        return True
    return state.assisted is not None and assisting.is_any_awaited(state)


def expire_mode(draft: Draft) -> None:
    """Leave a special mode whose time has passed."""
    mode = draft.state.mode
    if mode is not None and mode.until <= draft.now:
        draft.record(ModeLeft(mode=mode.name, expired=True))


def _open(draft: Draft) -> Conversation:
    number = draft.state.conversations + 1
    conversation_id = identity.conversation_id(draft.state.chat_id, number)
    draft.record(ConversationOpened(conversation_id=conversation_id, number=number))
    talk = draft.state.conversation
    assert talk is not None  # ConversationOpened has just made it
    if draft.policy.assistant is not None:
        assisting.join_if_responder(draft, talk)
    return talk


def _close(draft: Draft, talk: Conversation, reason: CloseReason) -> None:
    if draft.state.assisted is not None:
        assisting.discard(draft, DiscardReason.CLOSED)
        assisting.summarise(draft, talk)
    draft.record(
        ConversationClosed(
            conversation_id=talk.conversation_id, reason=reason, message_count=talk.message_count
        )
    )
