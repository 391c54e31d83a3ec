"""What each fact changes in a chat's state."""

from copy import copy
from datetime import datetime
from typing import assert_never

from schemas.content import Content, Origin
from schemas.facts import (
    ChatStarted,
    ConversationClosed,
    ConversationClosing,
    ConversationOpened,
    Fact,
    HandlerFailed,
    InputUnrecognised,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    MessageSendFailed,
    MessageSendUnconfirmed,
    MessageSent,
    MessageStatusReported,
    ModeEntered,
    ModeLeft,
    NoticeRecorded,
    ProfileChanged,
    QuestionAnswered,
    QuestionAsked,
    ReplyGenerated,
)
from streams.decide.state import (
    LINE_LENGTH,
    LINES,
    SENT,
    Address,
    ChatState,
    Conversation,
    Line,
    Mode,
    OpenQuestion,
    Pending,
    Profile,
    Sent,
)


def evolve(state: ChatState, fact: Fact, now: datetime) -> ChatState:
    """The state after `fact`, which happened at `now`; `state` stays as it was."""
    after = copy(state)
    after.sequence += 1
    after.time = now
    _apply(after, fact, now)
    return after


def _apply(after: ChatState, fact: Fact, now: datetime) -> None:  # noqa: C901, PLR0912, PLR0915  # one arm a fact
    match fact:
        case MessageReceived():
            _received(after, fact, now)
        case ReplyGenerated():
            _generated(after, fact, now)
        case MessageSent():
            _left(after)
            _named(after, fact)
        case MessageSendFailed() | MessageSendUnconfirmed():
            _left(after)
        case ChatStarted():
            after.address = _address(fact)
        case ProfileChanged():
            after.profile = _profile(fact)
        case ConversationOpened():
            after.conversations = fact.number
            after.conversation = Conversation(fact.conversation_id, fact.number, now)
        case ConversationClosing():
            _closing(after, fact)
        case ConversationClosed():
            after.conversation = None
        case ModeEntered():
            after.mode = Mode(fact.mode, fact.until)
        case ModeLeft():
            after.mode = None
        case QuestionAsked():
            after.questions = (*after.questions, _question(fact))
        case QuestionAnswered():
            open_still = (q for q in after.questions if q.question_id != fact.question_id)
            after.questions = tuple(open_still)
        case (
            MessageEdited()
            | MessageDeleted()
            | MessageStatusReported()
            | NoticeRecorded()
            | InputUnrecognised()
            | HandlerFailed()
        ):
            pass
        case _:
            assert_never(fact)


def _received(after: ChatState, fact: MessageReceived, now: datetime) -> None:
    _say(after, fact.origin, fact.content, now)


def _generated(after: ChatState, fact: ReplyGenerated, now: datetime) -> None:
    _say(after, fact.origin, fact.content, now)
    pending = Pending(
        fact.reply_id,
        1,
        fact.conversation_id,
        fact.provider,
        fact.account,
        fact.content,
        fact.in_reply_to,
        fact.received_at,
    )
    after.outbox = (*after.outbox, pending)


def _say(after: ChatState, origin: Origin, content: Content, now: datetime) -> None:
    talk = after.conversation
    if talk is None:
        return
    words = content.text or content.caption or ""
    line = Line(origin, content.kind, words[:LINE_LENGTH])
    after.conversation = Conversation(
        talk.conversation_id,
        talk.number,
        now,
        talk.message_count + 1,
        talk.user_count + (origin is Origin.USER),
        talk.closing,
        (*talk.lines[-LINES + 1 :], line),
    )


def _left(after: ChatState) -> None:
    after.outbox = after.outbox[1:]


def _named(after: ChatState, fact: MessageSent) -> None:
    if fact.platform_message_id is not None:
        sent = Sent(fact.platform_message_id, fact.reply_id, fact.attempt)
        after.sent = (*after.sent[-SENT + 1 :], sent)


def _address(fact: ChatStarted) -> Address:
    return Address(fact.platform, fact.platform_user_id, fact.provider, fact.account, fact.is_group)


def _profile(fact: ProfileChanged) -> Profile:
    return Profile(fact.phone_e164, fact.username, fact.first_name, fact.last_name)


def _closing(after: ChatState, fact: ConversationClosing) -> None:
    talk = after.conversation
    if talk is not None:
        after.conversation = Conversation(
            talk.conversation_id,
            talk.number,
            talk.active_at,
            talk.message_count,
            talk.user_count,
            fact.reason,
            talk.lines,
        )


def _question(fact: QuestionAsked) -> OpenQuestion:
    return OpenQuestion(
        fact.question_id,
        fact.question,
        fact.handler,
        fact.provider,
        fact.account,
        fact.in_reply_to,
    )
