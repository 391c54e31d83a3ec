"""The search in messages."""

from typing import Final

from chatfold.api import found_answers, questions
from chatfold.api.answers import Told
from chatfold.api.calls import Call, Operation
from chatfold.api.questions import Given
from projections.queries import Sought


async def _search(call: Call, given: Given) -> Told:
    assert isinstance(given, questions.SearchQuery)
    sought = Sought(
        words=given.q,
        tenant=given.tenant,
        chat_id=str(given.chat_id) if given.chat_id else None,
        since=given.since,
        until=given.until,
    )
    found = await call.desk.lists.search(sought, limit=given.limit)
    return found_answers.Hits.model_validate({"hits": found})


OPERATIONS: Final = (
    Operation(
        name="search",
        method="GET",
        path="/v1/search",
        summary="Find words in messages, in what was said in them and in their files.",
        given=questions.SearchQuery,
        by_query=True,
        told=found_answers.Hits,
        handle=_search,
    ),
)
