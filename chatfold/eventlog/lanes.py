"""Batches that wait for one partition: one is under way, the others fill up behind it."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from aiokafka.producer.message_accumulator import BatchBuilder

from schemas import topics
from schemas.envelope import Record

MAX_RECORD_BYTES: Final = topics.MAX_MESSAGE_BYTES - 4096  # room for the batch's own header
_HEADERS_BYTES: Final = 512  # what the CloudEvents headers of one record take

Waiter = asyncio.Future[str | None]
"""Resolves to None when the batch is acknowledged, else to the reason why it is not."""


def size_of(record: Record) -> int:
    """About how many bytes `record` takes."""
    return len(record.value or b"") + len(record.key) + _HEADERS_BYTES


class Batch:
    """Records that go to the broker together, and those who wait for them."""

    __slots__ = ("builder", "last_call", "size", "waiters")

    def __init__(self, builder: BatchBuilder) -> None:
        self.builder = builder
        self.size = 0
        self.waiters: list[Waiter] = []
        self.last_call: Sequence[Waiter] | None = None

    def add(self, record: Record) -> bool:
        """Whether `record` still fitted in; the first record always does."""
        added = self.builder.append(
            timestamp=None, key=record.key, value=record.value, headers=record.headers
        )
        if added is None:
            return False
        self.size += size_of(record)
        return True

    def is_abandoned(self) -> bool:
        """Whether nobody waits any more."""
        return all(waiter.done() for waiter in self.waiters)

    def settle(self, refusal: str | None) -> None:
        """Tell those who wait that all is acknowledged, or why not."""
        for waiter in self.waiters:
            if not waiter.done():
                waiter.set_result(refusal)


class Lane:
    """The batches of one partition, in order; the last of them takes new records."""

    __slots__ = ("partition", "task", "topic", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: deque[Batch] = deque()
        self.task: asyncio.Task[None] | None = None
