"""All that a batch leads to becomes visible at once, or not at all."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from schemas.letters import Letter
from schemas.topics import MAX_MESSAGE_BYTES
from streams import packed

LOG: Final = logging.getLogger(__name__)
STOP_SECONDS: Final = 5.0

Outputs = Mapping[TopicPartition, Sequence[Letter]]
Reach = Callable[[str], None]
Batch = tuple["asyncio.Future[RecordMetadata]", int]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a transaction may take before the broker ends it, in ms, and retries wait."""

    transaction_timeout_ms: int = 15_000
    request_timeout_ms: int = 10_000
    retry_backoff_ms: int = 5


class Transactor:
    """Writes what one input partition leads to, by two transactional producers in turn.

    In turn, because a broker refuses a producer's next transaction until the markers of the
    one before are written. Their ids name the partition, so that whoever starts them next
    ends and fences what this one has left open.
    """

    def __init__(self, bootstrap: str, transactional_id: str, limits: Limits) -> None:
        self._timeout = 2 * limits.transaction_timeout_ms / 1000
        self._producers = [
            _producer(bootstrap, f"{transactional_id}-{turn}", limits) for turn in "ab"
        ]

    async def start(self) -> None:
        """Fence whoever had this partition before; raises `KafkaError`."""
        await asyncio.gather(*(producer.start() for producer in self._producers))

    async def commit(self, outputs: Outputs, reach: Reach) -> dict[TopicPartition, int]:
        """Write `outputs` in one transaction; `reach` is told when all is written, none committed.

        Returns the offset after the last record of each partition. Raises `KafkaError` or
        `TimeoutError`: the outcome is then unknown and this object is of no more use.
        """
        self._producers.reverse()
        producer = self._producers[0]
        async with asyncio.timeout(self._timeout), producer.transaction():
            written = [
                (place, await _append(producer, place, letters))
                for place, letters in outputs.items()
            ]
            ends = {place: await _end(batches) for place, batches in written}
            reach("decider.inside_transaction")
        return ends

    async def stop(self) -> None:
        """Close both producers; what is open is left to the next owner to end."""
        await asyncio.gather(*(_stop(producer) for producer in self._producers))


async def _append(
    producer: AIOKafkaProducer, place: TopicPartition, letters: Sequence[Letter]
) -> list[Batch]:
    topic, partition = place
    now = time.time_ns() // 1_000_000
    return [
        (await producer.send_batch(batch, topic, partition=partition), batch.record_count())
        for batch in packed.pack(letters, now)
    ]


async def _end(batches: Sequence[Batch]) -> int:
    end = -1
    for sent, count in batches:
        metadata = await sent
        end = metadata.offset + count
    return end


def _producer(bootstrap: str, transactional_id: str, limits: Limits) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=transactional_id,
        acks="all",
        linger_ms=0,
        max_batch_size=packed.MOST_BYTES,
        max_request_size=MAX_MESSAGE_BYTES + packed.MOST_BYTES,
        transaction_timeout_ms=limits.transaction_timeout_ms,
        request_timeout_ms=limits.request_timeout_ms,
        retry_backoff_ms=limits.retry_backoff_ms,
    )


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        await asyncio.wait_for(producer.stop(), STOP_SECONDS)
    except Exception as error:  # noqa: BLE001  # a broken producer can raise anything as it ends
        LOG.info("a producer did not stop cleanly: %r", error)
