"""Inputs of a tenant that is not configured wait here, and are decided once it is, in their order.

A tenant that was removed may come again: until then its chats stand still, as they were.
"""

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from aiokafka import ConsumerRecord

from schemas import codec, envelope
from schemas.envelope import Headers, Recorded
from schemas.inputs import (
    AnswerReported,
    AutoResume,
    ChatLinked,
    CloseConversation,
    Input,
    JobReported,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    RetryJob,
    SendByHand,
    SendReported,
    TimerFired,
    WebhookReceived,
    WebhookUnrouted,
)
from schemas.value import Value

PREFIX: Final = b"waiting:"


class Waiting(Value, frozen=True, kw_only=True):
    """An input as it stands in the inbox."""

    value: bytes
    headers: Headers


def may_wait(data: Input) -> bool:
    """Whether the input is as good later: what operators want is meant for now."""
    match data:
        case (
            WebhookReceived()
            | WebhookUnrouted()
            | SendReported()
            | AnswerReported()
            | JobReported()
            | TimerFired()
            | ChatLinked()
        ):
            return True
        case (
            CloseConversation()
            | RetryDelivery()
            | RetryJob()
            | SendByHand()
            | PauseChat()
            | ResumeChat()
            | AutoResume()
        ):
            return False
        case _:
            assert_never(data)


def wait(record: ConsumerRecord, tenant: str) -> tuple[bytes, bytes]:
    """The key and value under which the input waits; keys of a tenant sort as the inbox does."""
    headers = [(name, value) for name, value in record.headers if value is not None]
    waiting = Waiting(value=record.value, headers=headers)
    return b"%s%s:%020d" % (PREFIX, tenant.encode(), record.offset), codec.dumps(waiting)


def tenant_of(key: bytes) -> str:
    """Whose input waits there."""
    return key.removeprefix(PREFIX).rpartition(b":")[0].decode()


def released(
    waiting: Iterable[tuple[bytes, bytes]],
) -> Iterator[tuple[bytes, Recorded[Input]]]:
    """The inputs again, by the key they waited under."""
    for key, value in waiting:
        kept = codec.decode(Waiting, value)
        yield key, envelope.decode(codec.INPUTS, value=kept.value, headers=kept.headers)
