"""Older versions of facts, inputs and orders, as they are in the log for ever."""

from typing import ClassVar

from schemas.value import Value


class ConversationSummarisedV1(Value, frozen=True, kw_only=True):
    """What a closed conversation was about; whether it was the latest is not told."""

    type: ClassVar[str] = "ConversationSummarised.v1"
    job_id: str
    conversation_id: str
    text: str
