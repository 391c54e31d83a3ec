"""The operations on chats."""

from typing import Final

from chatfold.api import answers, questions
from chatfold.api.answers import Told
from chatfold.api.calls import Call, Operation
from chatfold.api.outcomes import asked_for, not_found, unavailable
from chatfold.api.problems import Kind
from chatfold.api.questions import Given
from chatfold.eventlog import AppendFailed
from chatfold.operations import TablesAway, Unknown


async def _list_chats(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.ChatQuery)
    page = await call.desk.lists.chats(
        tenant=given.tenant, paused=given.paused, cursor=given.cursor, limit=given.limit
    )
    return answers.Chats.model_validate({"chats": page.rows, "next_cursor": page.next_cursor})


async def _show_chat(call: Call, _: Given) -> Told:
    found = await call.desk.lists.chat(call.name)
    if isinstance(found, Unknown):
        raise not_found(found, call.name)
    return answers.WholeChat.model_validate(found)


async def _send(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.Message)
    asked = await call.desk.send(call.name, given.content, call.asker, reply_to=given.reply_to)
    return asked_for(asked, call)


async def _pause(call: Call, _: Given) -> Told:
    return asked_for(await call.desk.pause(call.name, call.asker), call)


async def _resume(call: Call, _: Given) -> Told:
    return asked_for(await call.desk.resume(call.name, call.asker), call)


async def _close(call: Call, _: Given) -> Told:
    return asked_for(await call.desk.close(call.name, call.asker), call)


async def _auto_resume(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.ResumeQuery)
    looked_at = 0
    try:
        async for count in call.desk.auto_resume(call.asker, limit=given.limit):
            looked_at += count
    except (AppendFailed, TablesAway) as error:
        raise unavailable(error, asked=looked_at) from None
    return answers.Resumed(looked_at=looked_at)


OPERATIONS: Final = (
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
)
