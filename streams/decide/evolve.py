"""What each fact changes in a chat's state."""

from copy import copy
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from schemas.content import Content, Origin
from schemas.facts import (
    AliasLearned,
    AnswerAwaited,
    AnswerDiscarded,
    AnswerGiven,
    AnswerRequested,
    AssistantJoined,
    BotPaused,
    BotResumed,
    ChatMerged,
    ChatMoved,
    ChatStarted,
    CloseRequested,
    CommandRefused,
    ConfirmationTimedOut,
    ConversationClosed,
    ConversationClosing,
    ConversationOpened,
    ConversationSummarised,
    DeliveryAbandoned,
    EchoHeld,
    EchoRecognised,
    Fact,
    FallbackChosen,
    HandlerFailed,
    InputUnrecognised,
    JobAbandoned,
    JobFailed,
    JobRetryRequested,
    JobRetryScheduled,
    JobRetryStarted,
    LaterRepliesReleased,
    MediaDescribed,
    MediaJobRequested,
    MediaStored,
    MediaTextExtracted,
    MediaTranscribed,
    MessageDeleted,
    MessageEdited,
    MessageImported,
    MessageReceived,
    MessageSendConfirmed,
    MessageSendFailed,
    MessageSendUnconfirmed,
    MessageSendWithheld,
    MessageSent,
    MessageStatusReported,
    ModeEntered,
    ModelCalled,
    ModeLeft,
    NoticeRecorded,
    ProfileChanged,
    PromptAnswered,
    PromptAsked,
    QuestionAnswered,
    QuestionAsked,
    ReplyGenerated,
    RetryRequested,
    RetryScheduled,
    RetryStarted,
    SendRequested,
    SummaryRequested,
    TemplateChosen,
)
from streams.decide import evolve_assisted, evolve_delivery, evolve_jobs
from streams.decide.state import (
    ALIASES,
    LINE_LENGTH,
    LINES,
    Address,
    ChatState,
    Conversation,
    Line,
    Mode,
    OpenQuestion,
    Pause,
    Pending,
    Profile,
)


def evolve(state: ChatState, fact: Fact, now: datetime) -> ChatState:
    """The state after `fact`, which happened at `now`; `state` stays as it was."""
    after = copy(state)
    advance(after, fact, now)
    return after


def advance(state: ChatState, fact: Fact, now: datetime) -> None:
    """Make `state` what it is after `fact`: for whoever has a state that nobody else sees."""
    state.sequence += 1
    state.time = now
    _apply(state, fact, now)


def _apply(after: ChatState, fact: Fact, now: datetime) -> None:  # noqa: C901, PLR0912, PLR0915  # one arm a fact
    match fact:
        case MessageReceived():
            _received(after, fact, now)
        case ReplyGenerated():
            _generated(after, fact, now)
        case MessageSent():
            evolve_delivery.sent(after, fact)
        case MessageStatusReported():
            evolve_delivery.reported(after, fact)
        case ChatStarted():
            after.address = _address(fact)
            after.started_at = now
        case AliasLearned():
            after.aliases = (*after.aliases[-ALIASES + 1 :], fact.platform_user_id)
        case ChatMoved():
            after.moved_to = fact.platform_user_id
            after.moved_at = now
        case ChatMerged():
            after.merged_into = fact.into
        case ProfileChanged():
            after.profile = _profile(fact)
        case ConversationOpened():
            after.conversations = fact.number
            after.conversation = Conversation(fact.conversation_id, fact.number, now)
        case ConversationClosing():
            _closing(after, fact)
        case ConversationClosed():
            after.conversation = None
            evolve_assisted.closed(after, fact)
        case ModeEntered():
            after.mode = Mode(fact.mode, fact.until)
        case ModeLeft():
            after.mode = None
        case QuestionAsked():
            after.questions = (*after.questions, _question(fact))
        case QuestionAnswered():
            open_still = (q for q in after.questions if q.question_id != fact.question_id)
            after.questions = tuple(open_still)
        case MessageSendFailed() | MessageSendUnconfirmed() | MessageSendWithheld():
            evolve_delivery.not_sent(after, fact, now)
        case TemplateChosen():
            evolve_delivery.templated(after, fact)
        case RetryScheduled():
            evolve_delivery.scheduled(after, fact)
        case LaterRepliesReleased() | ConfirmationTimedOut():
            evolve_delivery.released(after, fact.reply_id)
        case RetryStarted() | RetryRequested() | FallbackChosen():
            evolve_delivery.restarted(after, fact)
        case DeliveryAbandoned():
            evolve_delivery.abandoned(after, fact.reply_id, now)
        case MessageSendConfirmed():
            evolve_delivery.confirmed(after, fact)
        case EchoHeld():
            evolve_delivery.echo_held(after, fact, now)
        case EchoRecognised():
            evolve_delivery.recognised(after, fact)
        case MessageImported():
            after.imported = fact.number
        case BotPaused():
            after.pause = Pause(fact.reason, now)
        case BotResumed():
            after.pause = None
        case MessageEdited():
            evolve_assisted.edited(after, fact)
        case MessageDeleted():
            evolve_assisted.deleted(after, fact)
        case MediaTranscribed() | MediaTextExtracted() | MediaDescribed():
            evolve_jobs.ended(after, fact.job_id)
            evolve_assisted.read(after, fact)
        case (
            MediaJobRequested()
            | MediaStored()
            | ModelCalled()
            | JobFailed()
            | JobRetryScheduled()
            | JobRetryStarted()
            | JobRetryRequested()
            | JobAbandoned()
            | PromptAsked()
            | PromptAnswered()
        ):
            evolve_jobs.apply(after, fact)
        case (
            AssistantJoined()
            | AnswerAwaited()
            | AnswerRequested()
            | AnswerGiven()
            | AnswerDiscarded()
            | SummaryRequested()
            | ConversationSummarised()
        ):
            evolve_assisted.apply(after, fact, now)
        case (
            NoticeRecorded()
            | InputUnrecognised()
            | HandlerFailed()
            | SendRequested()
            | CloseRequested()
            | CommandRefused()
        ):
            pass
        case _:
            assert_never(fact)


def _received(after: ChatState, fact: MessageReceived, now: datetime) -> None:
    _say(after, fact.origin, fact.content, now)
    if after.assisted is not None:
        evolve_assisted.heard(after, fact, now)
    if fact.origin is Origin.USER:
        after.heard_at = now
    else:
        evolve_delivery.drop_echo(after, fact.platform_message_id)
        if fact.origin is Origin.HUMAN:
            _stir(after, now)


def _generated(after: ChatState, fact: ReplyGenerated, now: datetime) -> None:
    _say(after, fact.origin, fact.content, now)
    if after.assisted is not None:
        evolve_assisted.spoke(after, fact, now)
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
    if fact.origin is Origin.OPERATOR:
        _stir(after, now)


def _stir(after: ChatState, now: datetime) -> None:
    """While a human is active, a pause goes on."""
    if after.pause is not None:
        after.pause = replace(after.pause, human_at=now)


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
