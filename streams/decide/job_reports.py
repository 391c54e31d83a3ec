"""How an attempt at a job ended, and what follows."""

from typing import Final, assert_never

from msgspec.structs import replace

from providers.registry import text_pieces
from schemas.content import ActionTaken, Content, JobKind, MessageKind
from schemas.facts import (
    AnswerGiven,
    ConversationSummarised,
    ModelCalled,
    PromptAnswered,
)
from schemas.inputs import JobReported
from schemas.job_failures import JobFailureCode
from streams.decide import assisting, enrichment, evolve_jobs, jobs, messages, replies
from streams.decide.draft import Draft
from streams.decide.handlers import Reply
from streams.decide.state import AnswerWork, FileWork, Job, PromptWork, SummaryWork
from streams.decide.turns import Turn

ASSISTANT: Final = "assistant"
IN_WORDS: Final = frozenset({JobKind.ANSWER, JobKind.SUMMARISE})
"""What came to nothing if there are no words; a recording or a picture may hold none."""


def report(draft: Draft, told: JobReported) -> None:
    """Record what the attempt led to; of one that nobody awaits, only what it cost."""
    job = evolve_jobs.find(draft.state, told.job_id)
    if job is None or job.attempt != told.attempt or job.due is not None:
        _count_late(draft, told)
        return
    _count(draft, job.kind, told)
    ended = _whole(job, told)
    if ended.error_code is None:
        _finish(draft, job, ended)
    elif jobs.failed(draft, job, ended):
        _go_without(draft, job, ended.error_code)


def _whole(job: Job, told: JobReported) -> JobReported:
    """The report, as a failure if it does not hold what the job was for."""
    is_empty = job.kind in IN_WORDS and not (told.text or "").strip()
    is_lost = job.kind is JobKind.STORE and told.stored is None
    if told.error_code is None and (is_empty or is_lost):
        return replace(told, error_code=JobFailureCode.MALFORMED_ANSWER, retryable=False)
    return told


def _count(draft: Draft, kind: JobKind, told: JobReported) -> None:
    if told.usage is not None:
        draft.record(
            ModelCalled(job_id=told.job_id, attempt=told.attempt, kind=kind, usage=told.usage)
        )


def _count_late(draft: Draft, told: JobReported) -> None:
    dropped = () if draft.state.jobs is None else draft.state.jobs.dropped
    for one in dropped:
        if (one.job_id, one.attempt) == (told.job_id, told.attempt):
            _count(draft, one.kind, told)


def _finish(draft: Draft, job: Job, told: JobReported) -> None:
    work, text = job.work, told.text or ""
    match work:
        case FileWork():
            enrichment.finish(draft, job, work, told)
        case AnswerWork():
            given = AnswerGiven(
                job_id=job.job_id,
                reply_id=draft.next_id(),
                answers=assisting.names(work.answers),
                usage=told.usage,
                action=ActionTaken.AI_REPLIED,
            )
            _answer(draft, work, given, text)
        case SummaryWork():
            draft.record(
                ConversationSummarised(
                    job_id=job.job_id,
                    conversation_id=work.conversation_id,
                    text=text,
                    is_latest=assisting.is_latest(draft.state, work),
                )
            )
        case PromptWork():
            draft.record(PromptAnswered(job_id=job.job_id, error=None))
            messages.let_answer(draft, _turn(work), {"text": text}, None)
        case _:
            assert_never(work)


def _go_without(draft: Draft, job: Job, error_code: str) -> None:
    """What follows when a job is given up."""
    match job.work:
        case FileWork() | SummaryWork():
            pass
        case AnswerWork():
            _answer_instead(draft, job, job.work)
        case PromptWork():
            draft.record(PromptAnswered(job_id=job.job_id, error=error_code))
            messages.let_answer(draft, _turn(job.work), {}, error_code)
        case _:
            assert_never(job.work)


def _answer_instead(draft: Draft, job: Job, work: AnswerWork) -> None:
    """Say the tenant's own words, or nothing."""
    policy = draft.policy.assistant
    if policy is None or policy.fallback_text is None:
        assisting.give_up(draft, job, work)
        return
    given = AnswerGiven(
        job_id=job.job_id,
        reply_id=draft.next_id(),
        answers=assisting.names(work.answers),
        usage=None,
        action=ActionTaken.REPLIED,
    )
    _answer(draft, work, given, policy.fallback_text)


def _answer(draft: Draft, work: AnswerWork, given: AnswerGiven, text: str) -> None:
    """Say it, in as many replies as the platform needs; only the first quotes."""
    last = work.answers[-1]
    turn = Turn(ASSISTANT, last.platform_message_id, last.provider, last.account)
    for number, piece in enumerate(text_pieces(last.provider, text)):
        reply = Reply(Content(kind=MessageKind.TEXT, text=piece), quote=number == 0)
        reply_id = draft.next_id() if number else given.reply_id
        replies.generate(draft, turn, reply, reply_id=reply_id, received_at=last.at)
    draft.record(given)


def _turn(work: PromptWork) -> Turn:
    return Turn(work.handler, work.in_reply_to, work.provider, work.account)
