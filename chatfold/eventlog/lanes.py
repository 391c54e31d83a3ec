"""Batches that wait for one partition: one is under way, the others fill up behind it."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from aiokafka.producer.message_accumulator import BatchBuilder

from schemas import topics
from schemas.envelope import Record

logger = logging.getLogger(__name__)

MAX_RECORD_BYTES: Final = topics.MAX_MESSAGE_BYTES - 4096  # room for the batch's own header
_HEADERS_BYTES: Final = 512  # what the CloudEvents headers of one record take
_TOO_LATE: Final = "no acknowledgement from Kafka in time"

Done = Callable[[str | None], None]
"""Told None when all is acknowledged, else the reason why that is not known."""


class Call:
    """One who appends: told once, when all of its batches are settled or its time is over."""

    __slots__ = ("batches", "deadline", "done")

    def __init__(self, deadline: float, done: Done) -> None:
        self.deadline = deadline
        self.batches = 0
        self.done: Done | None = done

    def settle(self, refusal: str | None) -> None:
        """One of its batches is acknowledged, or not."""
        self.batches -= 1
        if refusal is not None or not self.batches:
            self.tell(refusal)

    def tell(self, refusal: str | None) -> None:
        """Tell the outcome, unless it was told before or nobody waits any more."""
        done, self.done = self.done, None
        if done is not None:
            done(refusal)


def size_of(record: Record) -> int:
    """About how many bytes `record` takes."""
    return len(record.value or b"") + len(record.key) + _HEADERS_BYTES


class Batch:
    """Records that go to the broker together, and the calls that they belong to."""

    __slots__ = ("builder", "calls", "size")

    def __init__(self, builder: BatchBuilder) -> None:
        self.builder = builder
        self.size = 0
        self.calls: list[Call] = []

    def add(self, record: Record, call: Call) -> bool:
        """Whether `record` still fitted in; the first record always does."""
        added = self.builder.append(
            timestamp=None, key=record.key, value=record.value, headers=record.headers
        )
        if added is None:
            return False
        self.size += size_of(record)
        if not self.calls or self.calls[-1] is not call:
            self.calls.append(call)
            call.batches += 1
        return True

    def expire(self, now: float) -> None:
        """Tell those whose time is over that nobody knows."""
        for call in self.calls:
            if call.deadline <= now:
                call.tell(_TOO_LATE)

    def is_abandoned(self) -> bool:
        """Whether nobody waits any more."""
        return all(call.done is None for call in self.calls)

    def settle(self, refusal: str | None) -> None:
        """Tell those who wait that all is acknowledged, or why not."""
        for call in self.calls:
            try:
                call.settle(refusal)
            except Exception:  # one caller's bug must not cost the others their answer
                logger.exception("telling the outcome of an append failed")


class Lane:
    """The batches of one partition, in order; the last of them takes new records."""

    __slots__ = ("listed", "partition", "topic", "under_way", "waiting")

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.waiting: deque[Batch] = deque()
        self.under_way: Batch | None = None
        self.listed = False
