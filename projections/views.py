"""How the view of an active chat comes about, fact by fact; pure."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final, assert_never

from msgspec.structs import replace

from projections.active_chat import ActiveChat, Conversation, Line, Mode, Pause, Person
from projections.rows import RANKS
from schemas import facts
from schemas.content import Content
from schemas.envelope import Recorded
from schemas.facts import Fact

RECENT: Final = 20
LONGEST_TEXT: Final = 1000


def evolve(
    view: ActiveChat | None, recorded: Recorded[Fact], lifetime: timedelta
) -> ActiveChat | None:
    """The view after the fact; None while nobody is known to be there.

    What was said before a pause of more than `lifetime` is forgotten, as the store forgets it;
    the person is not.
    """
    if view is None:
        return _first(recorded)
    if recorded.sequence <= view.seq:
        return view
    if recorded.time - view.last_activity > lifetime:
        view = replace(view, conversation=None, recent=(), mode=None)
    return _after(replace(view, seq=recorded.sequence, last_activity=recorded.time), recorded)


def _first(recorded: Recorded[Fact]) -> ActiveChat | None:
    """An account's own facts make no view; a chat whose beginning the store has lost does."""
    match recorded.data:
        case (
            facts.ChatStarted()
            | facts.ChatMerged()
            | facts.ConversationOpened()
            | facts.MessageReceived()
        ):
            nobody = ActiveChat(
                tenant=recorded.tenant,
                chat_id=recorded.chat_id,
                seq=recorded.sequence,
                last_activity=recorded.time,
            )
            return _after(nobody, recorded)
        case _:
            return None


def _after(view: ActiveChat, recorded: Recorded[Fact]) -> ActiveChat:  # noqa: C901, PLR0911, PLR0912  # one case for each fact
    match recorded.data:
        case facts.ChatStarted() as fact:
            return replace(view, person=_person(fact))
        case facts.ProfileChanged() as fact:
            return replace(view, person=_profile(view.person, fact))
        case facts.ChatMerged() as fact:
            return replace(view, merged_into=fact.into)
        case facts.ConversationOpened() as fact:
            return replace(view, conversation=_opened(recorded, fact), recent=())
        case facts.MessageReceived() as fact:
            return _say(view, fact.conversation_id, _received(recorded, fact))
        case facts.ReplyGenerated() as fact:
            return _say(view, fact.conversation_id, _generated(recorded, fact))
        case facts.MessageEdited() as fact:
            return _change(view, fact.message_id, partial(_edited, fact.content))
        case facts.MessageDeleted() as fact:
            return _change(view, fact.message_id, _deleted)
        case facts.MessageSent() | facts.MessageSendConfirmed() as fact:
            return _stand(view, fact.reply_id, fact.attempt, "sent")
        case facts.MessageSendFailed() as fact:
            return _stand(view, fact.reply_id, fact.attempt, "failed")
        case facts.MessageSendUnconfirmed() | facts.MessageSendWithheld() as fact:
            return _stand(view, fact.reply_id, fact.attempt, "saved_only")
        case facts.MessageStatusReported() as fact:
            return _stand(view, fact.message_id, fact.attempt, fact.status)
        case facts.RetryStarted() | facts.RetryRequested() | facts.FallbackChosen() as fact:
            return _stand(view, fact.reply_id, fact.attempt, "pending")
        case facts.BotPaused() as fact:
            return replace(view, pause=_paused(recorded, fact))
        case facts.BotResumed():
            return replace(view, pause=None)
        case facts.ModeEntered() as fact:
            return replace(view, mode=Mode(name=fact.mode, until=fact.until))
        case facts.ModeLeft():
            return replace(view, mode=None)
        case facts.ConversationClosing() as fact:
            return _turn(view, fact.conversation_id, "closing")
        case facts.ConversationClosed() as fact:
            return _turn(view, fact.conversation_id, "closed")
        case facts.MediaTranscribed() | facts.MediaTextExtracted() | facts.MediaDescribed() as fact:
            return _change(view, fact.message_id, partial(_found, fact.text))
        case facts.ConversationSummarised() as fact:
            return _summarised(view, fact)
        case (
            facts.AliasLearned()
            | facts.ChatMoved()
            | facts.NoticeRecorded()
            | facts.InputUnrecognised()
            | facts.HandlerFailed()
            | facts.QuestionAsked()
            | facts.QuestionAnswered()
            | facts.MessageImported()
            | facts.EchoHeld()
            | facts.EchoRecognised()
            | facts.ConfirmationTimedOut()
            | facts.RetryScheduled()
            | facts.TemplateChosen()
            | facts.LaterRepliesReleased()
            | facts.DeliveryAbandoned()
            | facts.SendRequested()
            | facts.CloseRequested()
            | facts.CommandRefused()
            | facts.MediaJobRequested()
            | facts.MediaStored()
            | facts.ModelCalled()
            | facts.JobFailed()
            | facts.JobRetryScheduled()
            | facts.JobRetryStarted()
            | facts.JobRetryRequested()
            | facts.JobAbandoned()
            | facts.AssistantJoined()
            | facts.AnswerAwaited()
            | facts.AnswerRequested()
            | facts.AnswerGiven()
            | facts.AnswerDiscarded()
            | facts.SummaryRequested()
            | facts.PromptAsked()
            | facts.PromptAnswered()
        ):
            return view
        case _ as never:
            assert_never(never)


def _person(fact: facts.ChatStarted) -> Person:
    return Person(
        platform=fact.platform,
        platform_user_id=fact.platform_user_id,
        provider=fact.provider,
        account=fact.account,
        is_group=fact.is_group,
    )


def _profile(person: Person, fact: facts.ProfileChanged) -> Person:
    return replace(
        person,
        phone_e164=fact.phone_e164,
        username=fact.username,
        first_name=fact.first_name,
        last_name=fact.last_name,
    )


def _paused(recorded: Recorded[Fact], fact: facts.BotPaused) -> Pause:
    return Pause(reason=fact.reason, since=recorded.time, by=fact.by)


def _opened(recorded: Recorded[Fact], fact: facts.ConversationOpened) -> Conversation:
    return Conversation(
        conversation_id=fact.conversation_id, number=fact.number, started_at=recorded.time
    )


def _received(recorded: Recorded[Fact], fact: facts.MessageReceived) -> Line:
    return Line(
        message_id=fact.message_id,
        number=fact.number,
        origin=fact.origin,
        kind=fact.content.kind,
        text=_words(fact.content),
        time=recorded.time,
    )


def _generated(recorded: Recorded[Fact], fact: facts.ReplyGenerated) -> Line:
    return Line(
        message_id=fact.reply_id,
        number=fact.number,
        origin=fact.origin,
        kind=fact.content.kind,
        text=_words(fact.content),
        time=recorded.time,
        status="pending",
    )


def _words(content: Content) -> str | None:
    words = content.text if content.text is not None else content.caption
    return _shortened(words) if words is not None else None


def _shortened(words: str) -> str:
    return words[:LONGEST_TEXT]


def _say(view: ActiveChat, conversation_id: str, line: Line) -> ActiveChat:
    known = view.conversation
    if known is None or known.conversation_id != conversation_id:
        known = Conversation(conversation_id=conversation_id)
    return replace(
        view,
        conversation=replace(known, message_count=line.number),
        recent=(*view.recent[1 - RECENT :], line),
    )


def _change(view: ActiveChat, message_id: str, change: Callable[[Line], Line]) -> ActiveChat:
    if not any(line.message_id == message_id for line in view.recent):
        return view
    recent = (change(line) if line.message_id == message_id else line for line in view.recent)
    return replace(view, recent=tuple(recent))


def _edited(content: Content, line: Line) -> Line:
    return replace(line, kind=content.kind, text=_words(content), is_edited=True)


def _deleted(line: Line) -> Line:
    return replace(line, text=None, media_text=None, is_deleted=True)


def _found(words: str, line: Line) -> Line:
    """Nothing is told any more of what was taken back."""
    return line if line.is_deleted else replace(line, media_text=_shortened(words))


def _stand(view: ActiveChat, message_id: str, attempt: int, status: str) -> ActiveChat:
    """Forward only, as in the tables."""

    def later(line: Line) -> Line:
        stands = (line.attempt, RANKS[line.status] if line.status else -1)
        if (attempt, RANKS[status]) <= stands:
            return line
        return replace(line, attempt=attempt, status=str(status))

    return _change(view, message_id, later)


def _turn(view: ActiveChat, conversation_id: str, status: str) -> ActiveChat:
    known = view.conversation
    if known is None or known.conversation_id != conversation_id:
        return view
    return replace(view, conversation=replace(known, status=status))


def _summarised(view: ActiveChat, fact: facts.ConversationSummarised) -> ActiveChat:
    known = view.conversation
    if known is None or known.conversation_id != fact.conversation_id:
        return view
    return replace(view, conversation=replace(known, summary=_shortened(fact.text)))
