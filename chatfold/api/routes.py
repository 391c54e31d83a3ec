"""Every operation of the API as a table: its address, what it takes and gives, what it does."""

from collections.abc import Sequence
from typing import Final

from chatfold.api import answers, questions, tenants
from chatfold.api.answers import Told
from chatfold.api.calls import Call, Operation
from chatfold.api.problems import Kind, Problem
from chatfold.api.questions import Given
from chatfold.eventlog import AppendFailed
from chatfold.operations import Asked, NotRetryable, TablesAway, Unknown
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
        raise _not_found(found, call.name)
    return answers.DeliveryWithAttempts.model_validate(found)


async def _retry_delivery(call: Call, _: Given) -> Told:
    asked = await call.desk.retry(call.name, call.asker)
    match asked:
        case Asked():
            return _told(asked)
        case Unknown():
            raise _not_found(asked, call.name)
        case NotRetryable():
            raise Problem(Kind.CONFLICT, asked.reason)


async def _retry_deliveries(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.RetryFilter)
    matched = unconfirmed = 0
    following = None
    try:
        async for batch in call.desk.retry_matching(
            _wanted(given, given.status),
            call.asker,
            cursor=given.cursor,
            limit=given.limit,
            dry_run=given.dry_run,
        ):
            matched, unconfirmed = matched + batch.found, unconfirmed + batch.unconfirmed
            following = batch.next_cursor
    except (AppendFailed, TablesAway) as error:
        raise unavailable(error, asked=0 if given.dry_run else matched) from None
    return answers.Retried(
        matched=matched, unconfirmed=unconfirmed, dry_run=given.dry_run, next_cursor=following
    )


async def _list_chats(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.ChatQuery)
    page = await call.desk.lists.chats(
        tenant=given.tenant, paused=given.paused, cursor=given.cursor, limit=given.limit
    )
    return answers.Chats.model_validate({"chats": page.rows, "next_cursor": page.next_cursor})


async def _show_chat(call: Call, _: Given) -> Told:
    found = await call.desk.lists.chat(call.name)
    if isinstance(found, Unknown):
        raise _not_found(found, call.name)
    return answers.WholeChat.model_validate(found)


async def _send(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.Message)
    asked = await call.desk.send(call.name, given.content, call.asker, reply_to=given.reply_to)
    return _of_chat(asked, call)


async def _pause(call: Call, _: Given) -> Told:
    return _of_chat(await call.desk.pause(call.name, call.asker), call)


async def _resume(call: Call, _: Given) -> Told:
    return _of_chat(await call.desk.resume(call.name, call.asker), call)


async def _close(call: Call, _: Given) -> Told:
    return _of_chat(await call.desk.close(call.name, call.asker), call)


async def _auto_resume(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.ResumeQuery)
    looked_at = 0
    try:
        async for count in call.desk.auto_resume(call.asker, limit=given.limit):
            looked_at += count
    except (AppendFailed, TablesAway) as error:
        raise unavailable(error, asked=looked_at) from None
    return answers.Resumed(looked_at=looked_at)


def unavailable(error: AppendFailed | TablesAway, **more: object) -> Problem:
    """The answer while a server is away."""
    if isinstance(error, TablesAway):
        return Problem(Kind.TABLES_AWAY, str(error), more=more)
    text = "Kafka has not acknowledged it in time: it may be in the log or not; ask again, with"
    return Problem(Kind.LOG_AWAY, f"{text} the same Idempotency-Key", more=more)


def _wanted(
    given: questions.DeliveryQuery | questions.RetryFilter, statuses: Sequence[str]
) -> Wanted:
    return Wanted(
        tenant=given.tenant,
        chat_id=str(given.chat_id) if given.chat_id else None,
        statuses=statuses,
        provider=given.provider,
        account=given.account,
        error_code=given.error_code,
        waiting_for=given.waiting_for,
        since=given.since,
        until=given.until,
    )


def _of_chat(asked: Asked | Unknown, call: Call) -> Told:
    if isinstance(asked, Unknown):
        raise _not_found(asked, call.name)
    return _told(asked)


def _told(asked: Asked) -> Told:
    return answers.Asked.model_validate(asked, from_attributes=True)


def _not_found(unknown: Unknown, name: str) -> Problem:
    return Problem(Kind.NOT_FOUND, f"the tables know no {unknown.what} {name}, or not yet")


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
    Operation(
        name="listChats",
        method="GET",
        path="/v1/chats",
        summary="List chats, the one with the latest activity first.",
        given=questions.ChatQuery,
        by_query=True,
        told=answers.Chats,
        handle=_list_chats,
    ),
    Operation(
        name="showChat",
        method="GET",
        path="/v1/chats/{chat_id}",
        by_query=True,
        summary="Show a chat with its last 50 conversations and messages.",
        told=answers.WholeChat,
        kinds=(Kind.NOT_FOUND,),
        handle=_show_chat,
    ),
    Operation(
        name="sendMessage",
        method="POST",
        path="/v1/chats/{chat_id}/messages",
        summary="Send a message by hand, also while the bot is paused.",
        given=questions.Message,
        told=answers.Asked,
        acts=True,
        kinds=(Kind.NOT_FOUND,),
        handle=_send,
    ),
    Operation(
        name="pauseChat",
        method="POST",
        path="/v1/chats/{chat_id}/pause",
        summary="Have the bot record and not answer.",
        told=answers.Asked,
        acts=True,
        kinds=(Kind.NOT_FOUND,),
        handle=_pause,
    ),
    Operation(
        name="resumeChat",
        method="POST",
        path="/v1/chats/{chat_id}/resume",
        summary="Have the bot answer again.",
        told=answers.Asked,
        acts=True,
        kinds=(Kind.NOT_FOUND,),
        handle=_resume,
    ),
    Operation(
        name="closeChat",
        method="POST",
        path="/v1/chats/{chat_id}/close",
        summary="Close the chat's open conversation.",
        told=answers.Asked,
        acts=True,
        kinds=(Kind.NOT_FOUND,),
        handle=_close,
    ),
    Operation(
        name="autoResume",
        method="POST",
        path="/cron/auto-resume",
        summary="Have every paused chat resume whose pause has lasted long enough.",
        given=questions.ResumeQuery,
        by_query=True,
        told=answers.Resumed,
        acts=True,
        handle=_auto_resume,
    ),
    *tenants.OPERATIONS,
)
"""In the order in which they are tried: what is literal before what has a name in it."""
