"""The answers that several operations give, whatever they are about."""

from collections.abc import AsyncIterator

from chatfold.api import answers, questions
from chatfold.api.answers import Told
from chatfold.api.calls import Call
from chatfold.api.problems import Kind, Problem
from chatfold.eventlog import AppendFailed
from chatfold.operations import Asked, Batch, NotRetryable, TablesAway, Unknown


def unavailable(error: AppendFailed | TablesAway, **more: object) -> Problem:
    """The answer while a server is away."""
    if isinstance(error, TablesAway):
        return Problem(Kind.TABLES_AWAY, str(error), more=more)
    text = "Kafka has not acknowledged it in time: it may be in the log or not; ask again, with"
    return Problem(Kind.LOG_AWAY, f"{text} the same Idempotency-Key", more=more)


def asked_for(asked: Asked | Unknown | NotRetryable, call: Call) -> Told:
    """The answer to an action; raises `Problem` where nothing could be asked for."""
    match asked:
        case Asked():
            return answers.Asked.model_validate(asked, from_attributes=True)
        case Unknown():
            raise not_found(asked, call.name)
        case NotRetryable():
            raise Problem(Kind.CONFLICT, asked.reason)


async def retried(batches: AsyncIterator[Batch], given: questions.Bulk) -> Told:
    """The answer to many retries; one that is cut off tells how far it came."""
    matched = unconfirmed = 0
    following = None
    try:
        async for batch in batches:
            matched, unconfirmed = matched + batch.found, unconfirmed + batch.unconfirmed
            following = batch.next_cursor
    except (AppendFailed, TablesAway) as error:
        raise unavailable(error, asked=0 if given.dry_run else matched) from None
    return answers.Retried(
        matched=matched, unconfirmed=unconfirmed, dry_run=given.dry_run, next_cursor=following
    )


def not_found(unknown: Unknown, name: str) -> Problem:
    """The answer where the tables know nothing of that name."""
    return Problem(Kind.NOT_FOUND, f"the tables know no {unknown.what} {name}, or not yet")
