"""The operations on jobs."""

from collections.abc import Sequence
from typing import Final

from chatfold.api import found_answers, questions
from chatfold.api.answers import Asked, Retried, Told
from chatfold.api.calls import Call, Operation
from chatfold.api.outcomes import asked_for, not_found, retried
from chatfold.api.problems import Kind
from chatfold.api.questions import Given
from chatfold.operations import Unknown
from projections.queries import WantedJobs


async def _list_jobs(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.JobQuery)
    wanted = _wanted(given, kinds=given.kind, statuses=given.status)
    page = await call.desk.lists.jobs(wanted, cursor=given.cursor, limit=given.limit)
    return found_answers.Jobs.model_validate({"jobs": page.rows, "next_cursor": page.next_cursor})


async def _show_job(call: Call, _: Given) -> Told:
    found = await call.desk.lists.job(call.name)
    if isinstance(found, Unknown):
        raise not_found(found, call.name)
    return found_answers.JobWithAttempts.model_validate(found)


async def _retry_job(call: Call, _: Given) -> Told:
    return asked_for(await call.desk.retry_job(call.name, call.asker), call)


async def _retry_jobs(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.JobRetryFilter)
    batches = call.desk.retry_jobs(
        _wanted(given, kinds=given.kind),
        call.asker,
        cursor=given.cursor,
        limit=given.limit,
        dry_run=given.dry_run,
    )
    return await retried(batches, given)


def _wanted(
    given: questions.Filter, *, kinds: Sequence[str], statuses: Sequence[str] = ()
) -> WantedJobs:
    return WantedJobs(
        tenant=given.tenant,
        chat_id=given.chat,
        kinds=kinds,
        statuses=statuses,
        error_code=given.error_code,
        since=given.since,
        until=given.until,
    )


OPERATIONS: Final = (
    Operation(
        name="listJobs",
        method="GET",
        path="/v1/jobs",
        summary="List what agents are asked to do beside sending, the latest first.",
        given=questions.JobQuery,
        by_query=True,
        told=found_answers.Jobs,
        handle=_list_jobs,
    ),
    Operation(
        name="retryJobs",
        method="POST",
        path="/v1/jobs/retry",
        summary="Do all jobs about files that have failed and match a filter again, or count them.",
        given=questions.JobRetryFilter,
        told=Retried,
        acts=True,
        handle=_retry_jobs,
    ),
    Operation(
        name="showJob",
        method="GET",
        path="/v1/jobs/{job_id}",
        by_query=True,
        summary="Show a job with each attempt that failed or has asked a model.",
        told=found_answers.JobWithAttempts,
        kinds=(Kind.NOT_FOUND,),
        handle=_show_job,
    ),
    Operation(
        name="retryJob",
        method="POST",
        path="/v1/jobs/{job_id}/retry",
        summary="Do a job about a file that failed or waits once more, now; no other can be.",
        told=Asked,
        acts=True,
        kinds=(Kind.NOT_FOUND, Kind.CONFLICT),
        handle=_retry_job,
    ),
)
