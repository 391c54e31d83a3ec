"""The operations on deliveries."""

from collections.abc import Sequence
from typing import Final

from chatfold.api import answers, questions
from chatfold.api.answers import Told
from chatfold.api.calls import Call, Operation
from chatfold.api.outcomes import asked_for, not_found, retried
from chatfold.api.problems import Kind
from chatfold.api.questions import Given
from chatfold.operations import Unknown
from projections.queries import Wanted


async def _list_deliveries(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.DeliveryQuery)
    page = await call.desk.lists.deliveries(
        _wanted(given, given.status), cursor=given.cursor, limit=given.limit
    )
    return answers.Deliveries.model_validate(
        {"deliveries": page.rows, "next_cursor": page.next_cursor}
    )


async def _show_delivery(call: Call, _: Given) -> Told:
    found = await call.desk.lists.delivery(call.name)
    if isinstance(found, Unknown):
        raise not_found(found, call.name)
    return answers.DeliveryWithAttempts.model_validate(found)


async def _retry_delivery(call: Call, _: Given) -> Told:
    return asked_for(await call.desk.retry(call.name, call.asker), call)


async def _retry_deliveries(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.RetryFilter)
    batches = call.desk.retry_matching(
        _wanted(given, given.status),
        call.asker,
        cursor=given.cursor,
        limit=given.limit,
        dry_run=given.dry_run,
    )
    return await retried(batches, given)


def _wanted(
    given: questions.DeliveryQuery | questions.RetryFilter, statuses: Sequence[str]
) -> Wanted:
    return Wanted(
        tenant=given.tenant,
        chat_id=given.chat,
        statuses=statuses,
        provider=given.provider,
        account=given.account,
        error_code=given.error_code,
        waiting_for=given.waiting_for,
        since=given.since,
        until=given.until,
    )


OPERATIONS: Final = (
    Operation(
        name="listDeliveries",
        method="GET",
        path="/v1/deliveries",
        summary="List deliveries, the latest first.",
        given=questions.DeliveryQuery,
        by_query=True,
        told=answers.Deliveries,
        handle=_list_deliveries,
    ),
    Operation(
        name="retryDeliveries",
        method="POST",
        path="/v1/deliveries/retry",
        summary="Try all deliveries that wait and match a filter again, or count them.",
        given=questions.RetryFilter,
        told=answers.Retried,
        acts=True,
        handle=_retry_deliveries,
    ),
    Operation(
        name="showDelivery",
        method="GET",
        path="/v1/deliveries/{reply_id}",
        by_query=True,
        summary="Show a delivery with every attempt.",
        told=answers.DeliveryWithAttempts,
        kinds=(Kind.NOT_FOUND,),
        handle=_show_delivery,
    ),
    Operation(
        name="retryDelivery",
        method="POST",
        path="/v1/deliveries/{reply_id}/retry",
        summary="Try a delivery that waits for a retry or an operator once more, now.",
        told=answers.Asked,
        acts=True,
        kinds=(Kind.NOT_FOUND, Kind.CONFLICT),
        handle=_retry_delivery,
    ),
)
