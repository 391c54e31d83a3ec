"""The operation on the files of messages."""

from datetime import timedelta
from typing import Final

from chatfold.api import found_answers, questions
from chatfold.api.answers import Told
from chatfold.api.calls import Call, Operation
from chatfold.api.outcomes import not_found
from chatfold.api.problems import Kind, Problem
from chatfold.api.questions import Given
from chatfold.operations import Unknown
from streams.ports import Unavailable


async def _link_file(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.LinkQuery)
    try:
        found = await call.links.file(call.name, timedelta(seconds=given.seconds))
    except Unavailable as away:
        raise Problem(Kind.STORAGE_AWAY, f"the storage of files gives no links: {away}") from None
    if isinstance(found, Unknown):
        raise not_found(found, call.name)
    return found_answers.FileLinks.model_validate(found)


OPERATIONS: Final = (
    Operation(
        name="linkFile",
        method="GET",
        path="/v1/messages/{message_id}/file",
        summary="Get links to a message's file, by which whoever has them can read it for a while.",
        given=questions.LinkQuery,
        by_query=True,
        told=found_answers.FileLinks,
        kinds=(Kind.NOT_FOUND, Kind.STORAGE_AWAY),
        handle=_link_file,
    ),
)
