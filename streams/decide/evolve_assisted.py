"""What the facts of a conversation change in what the model has to know of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

from msgspec.structs import replace

from schemas.content import Content, JobKind, Origin, Utterance
from schemas.facts import (
    AnswerAwaited,
    AnswerDiscarded,
    AnswerGiven,
    AnswerRequested,
    AssistantJoined,
    ConversationClosed,
    ConversationSummarised,
    MediaDescribed,
    MediaTextExtracted,
    MediaTranscribed,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    ReplyGenerated,
    SummaryRequested,
)
from streams.decide import evolve_jobs
from streams.decide.state import (
    AnswerWork,
    Assisted,
    Awaited,
    ChatState,
    Job,
    SummaryWork,
)

NONE: Final = Assisted()
UTTERANCES: Final = 30
LONGEST: Final = 4_000
"""Characters of a text that are remembered."""
ALL_TOGETHER: Final = 24_000
"""Characters of all that is remembered: the largest prompt that most tenants pay for, twice."""

FileRead = MediaTranscribed | MediaTextExtracted | MediaDescribed


AssistedFact = (
    AssistantJoined
    | AnswerAwaited
    | AnswerRequested
    | AnswerGiven
    | AnswerDiscarded
    | SummaryRequested
    | ConversationSummarised
)


def apply(after: ChatState, fact: AssistedFact, now: datetime) -> None:
    """The model is to answer, has answered, or sums up."""
    match fact:
        case AssistantJoined():
            known = after.assisted or NONE
            after.assisted = replace(known, conversation_id=fact.conversation_id, said=())
        case AnswerAwaited():
            _awaited(after, fact, now)
        case AnswerRequested():
            _asked(after, fact)
        case AnswerGiven():
            evolve_jobs.ended(after, fact.job_id)
        case AnswerDiscarded():
            _discarded(after, fact)
        case SummaryRequested():
            _summary_begun(after, fact)
        case ConversationSummarised():
            _summarised(after, fact)
        case _:
            assert_never(fact)


def heard(after: ChatState, fact: MessageReceived, now: datetime) -> None:
    """Somebody wrote."""
    _remember(after, fact.conversation_id, _said(fact.message_id, fact.origin, fact.content, now))


def spoke(after: ChatState, fact: ReplyGenerated, now: datetime) -> None:
    """The bot or an operator wrote."""
    _remember(after, fact.conversation_id, _said(fact.reply_id, fact.origin, fact.content, now))


def read(after: ChatState, fact: FileRead) -> None:
    """What is in a message's file is known."""
    match fact:
        case MediaTranscribed():
            _change(after, fact.message_id, lambda one: replace(one, transcript=_cut(fact.text)))
        case MediaTextExtracted():
            _change(after, fact.message_id, lambda one: replace(one, extracted=_cut(fact.text)))
        case MediaDescribed():
            _change(after, fact.message_id, lambda one: replace(one, description=_cut(fact.text)))


def edited(after: ChatState, fact: MessageEdited) -> None:
    """A message says something else."""
    words = _words(fact.content)
    _change(after, fact.message_id, lambda one: replace(one, text=words))


def deleted(after: ChatState, fact: MessageDeleted) -> None:
    """A message was taken back: the model is not told of it."""
    known = after.assisted
    if known is not None:
        left = tuple(one for one in known.said if one.message_id != fact.message_id)
        after.assisted = replace(known, said=left)


def _awaited(after: ChatState, fact: AnswerAwaited, now: datetime) -> None:
    """The model is to answer a message."""
    known = after.assisted or NONE
    one = Awaited(
        fact.message_id,
        fact.platform_message_id,
        fact.provider,
        fact.account,
        now,
        fact.wait_until,
    )
    after.assisted = replace(known, awaited=(*known.awaited, one), ask_at=fact.ask_at)


def _asked(after: ChatState, fact: AnswerRequested) -> None:
    """The model is asked about messages that were awaited."""
    known = after.assisted or NONE
    answers = tuple(one for one in known.awaited if one.message_id in fact.answers)
    evolve_jobs.begun(after, Job(fact.job_id, JobKind.ANSWER, AnswerWork(answers)))
    left = tuple(one for one in known.awaited if one not in answers)
    after.assisted = replace(known, awaited=left, ask_at=known.ask_at if left else None)


def _discarded(after: ChatState, fact: AnswerDiscarded) -> None:
    """Messages get no answer."""
    if fact.job_id is not None:
        evolve_jobs.dropped(after, fact.job_id)
    elif (known := after.assisted) is not None:
        left = tuple(one for one in known.awaited if one.platform_message_id not in fact.answers)
        after.assisted = replace(known, awaited=left, ask_at=known.ask_at if left else None)


def _summary_begun(after: ChatState, fact: SummaryRequested) -> None:
    """What was said goes to the job that sums it up."""
    known, talk = after.assisted or NONE, after.conversation
    number = talk.number if talk is not None else 0
    work = SummaryWork(fact.conversation_id, number, known.said, known.summary)
    evolve_jobs.begun(after, Job(fact.job_id, JobKind.SUMMARISE, work))


def _summarised(after: ChatState, fact: ConversationSummarised) -> None:
    """A conversation is summed up; the summary of a later one stays."""
    job, known = evolve_jobs.find(after, fact.job_id), after.assisted or NONE
    evolve_jobs.ended(after, fact.job_id)
    if job is not None and isinstance(job.work, SummaryWork):
        number = job.work.number
        if number >= known.summarised:
            after.assisted = replace(known, summary=_cut(fact.text), summarised=number)


def closed(after: ChatState, fact: ConversationClosed) -> None:
    """What was said in a conversation that is over is forgotten, but for the summaries."""
    known = after.assisted
    if known is not None and known.conversation_id == fact.conversation_id:
        after.assisted = _or_none(replace(known, conversation_id=None, said=()))


def _said(message_id: str, origin: Origin, content: Content, now: datetime) -> Utterance:
    file_name = content.media.file_name if content.media is not None else None
    return Utterance(
        message_id=message_id,
        origin=origin,
        kind=content.kind,
        at=now,
        text=_words(content),
        file_name=file_name,
    )


def _words(content: Content) -> str | None:
    words = content.text or content.caption
    return None if words is None else _cut(words)


def _cut(text: str) -> str:
    return text[:LONGEST]


def _remember(after: ChatState, conversation_id: str, one: Utterance) -> None:
    known = after.assisted
    if known is not None and known.conversation_id == conversation_id:
        after.assisted = replace(known, said=_bounded((*known.said, one)))


def _change(after: ChatState, message_id: str, change: Callable[[Utterance], Utterance]) -> None:
    known = after.assisted
    if known is not None and any(one.message_id == message_id for one in known.said):
        said = tuple(change(one) if one.message_id == message_id else one for one in known.said)
        after.assisted = replace(known, said=_bounded(said))


def _bounded(said: tuple[Utterance, ...]) -> tuple[Utterance, ...]:
    """The last ones that are few and short enough; the very last always."""
    kept, length = said[-UTTERANCES:], 0
    for place in range(len(kept) - 1, -1, -1):
        length += _length(kept[place])
        if length > ALL_TOGETHER:
            return kept[max(place + 1, 0) :] or kept[-1:]
    return kept


def _length(one: Utterance) -> int:
    texts = (one.text, one.transcript, one.extracted, one.description)
    return sum(len(text) for text in texts if text)


def _or_none(assisted: Assisted) -> Assisted | None:
    return None if assisted == NONE else assisted
