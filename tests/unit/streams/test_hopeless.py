"""Which of Kafka's errors end a decider, and which it waits out."""

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    IllegalGenerationError,
    KafkaConnectionError,
    KafkaError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownError,
)

from streams.decider import is_hopeless


@pytest.mark.parametrize(
    "error",
    [
        KafkaError("aiokafka's own group task has died"),
        UnknownError(),
        GroupAuthorizationFailedError("chatfold.decider"),
        TopicAuthorizationFailedError("chatfold.inbox.v1"),
    ],
    ids=repr,
)
def test_what_no_repetition_mends_ends_the_decider(error):
    assert is_hopeless(error)


@pytest.mark.parametrize(
    "error",
    [
        KafkaConnectionError(),
        RequestTimedOutError(),
        GroupCoordinatorNotAvailableError(),
        IllegalGenerationError(),
        TimeoutError(),
    ],
    ids=repr,
)
def test_what_passes_is_waited_out(error):
    assert not is_hopeless(error)
