"""The model as responder: a handler like any other, which leaves every message to the model."""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.decide.handlers import CONVERSE, Chat, Effect, Received


@dataclass(frozen=True, slots=True)
class Assistant:
    """Answers everything, once the model has."""

    name: str = "assistant"

    def can_handle(self, chat: Chat, message: Received) -> bool:  # noqa: ARG002  # the port's shape
        """Always."""
        return True

    def handle(self, chat: Chat, message: Received) -> Sequence[Effect]:  # noqa: ARG002  # as above
        """The message is the model's."""
        return (CONVERSE,)
