"""An idempotent producer that is replaced when Kafka refuses it for good."""

import asyncio
import contextlib
import logging
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder

from chatfold.eventlog import metrics
from chatfold.eventlog.errors import KafkaUnreachable
from schemas import topics

logger = logging.getLogger(__name__)

BATCH_BYTES: Final = 256 * 1024  # measured with the prototype of the gateway
REQUEST_SECONDS: Final = 5.0  # a frozen broker is noticed, and its connection renewed, after this
CLOSE_SECONDS: Final = 5.0
RESTART_SECONDS: Final = 0.5


class LastingProducer:
    """Hands batches to Kafka, one at a time per partition, with acks=all and idempotence.

    aiokafka retries for ever what may still succeed and numbers what it sends. After an
    error that it does not retry, the numbers of that partition have a gap and all that
    follows is refused: then a new producer takes over, under a new producer id.
    """

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._kafka = self._create()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._usable = asyncio.Event()
        self._replacing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect; raises `KafkaUnreachable`."""
        try:
            await asyncio.wait_for(self._kafka.start(), REQUEST_SECONDS)
        except (KafkaError, TimeoutError) as error:
            await _close(self._kafka)
            raise KafkaUnreachable(self.bootstrap, error or "no answer in time") from None
        metrics.PRODUCERS.inc()
        self._usable.set()

    async def stop(self) -> None:
        """Let what is under way finish for a bounded time, then disconnect."""
        if self._replacing:
            self._replacing.cancel()
            await asyncio.wait([self._replacing])
        await _close(self._kafka)

    def create_batch(self) -> BatchBuilder:
        """An empty batch."""
        return self._kafka.create_batch()

    async def partitions_of(self, topic: str) -> int:
        """How many partitions `topic` has; raises `KafkaError`."""
        await self._usable.wait()
        return len(await self._kafka.partitions_for(topic))

    async def reach(self) -> None:
        """Ask Kafka for anything; raises `KafkaError`, and may wait for long."""
        await self._usable.wait()
        await self._kafka.client.fetch_all_metadata()

    async def deliver(self, batch: BatchBuilder, topic: str, partition: int) -> str | None:
        """None once all replicas have acknowledged `batch`, else why that is not known."""
        await self._usable.wait()
        kafka, lost = self._kafka, self._lost
        try:
            delivery = await kafka.send_batch(batch, topic, partition=partition)
            await asyncio.wait({delivery, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not delivery.done():
                return lost.result()
            delivery.result()
        except KafkaError as error:
            self._replace(kafka, error)
            return f"Kafka refused a batch: {error!r}"
        return None

    def _replace(self, refused: AIOKafkaProducer, error: KafkaError) -> None:
        if refused is not self._kafka or not self._usable.is_set():
            return
        logger.error("Kafka refused a batch, a new producer takes over: %r", error)
        self._usable.clear()
        self._replacing = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        await _close(self._kafka)
        self._lost.set_result("Kafka refused the producer while this batch was under way")
        self._lost = asyncio.get_running_loop().create_future()
        while True:
            if await self._started():
                break
            await asyncio.sleep(RESTART_SECONDS)
        metrics.PRODUCERS.inc()
        self._usable.set()

    async def _started(self) -> bool:
        self._kafka = self._create()
        try:
            await asyncio.wait_for(self._kafka.start(), REQUEST_SECONDS)
        except (KafkaError, TimeoutError) as error:
            logger.warning("Kafka takes no new producer yet: %r", error)
            await _close(self._kafka)
            return False
        return True

    def _create(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            client_id="chatfold-eventlog",
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            max_request_size=topics.MAX_MESSAGE_BYTES,
            request_timeout_ms=int(REQUEST_SECONDS * 1000),
            linger_ms=0,
        )


async def _close(kafka: AIOKafkaProducer) -> None:
    """Close `kafka`; what it has not delivered in time is given up.

    `stop` waits without end for a broker that is away, and if cancelled leaves the sender's
    task running, which only a private name reaches (aiokafka 0.14.0).
    """
    try:
        await asyncio.wait_for(kafka.stop(), CLOSE_SECONDS)
    except (KafkaError, TimeoutError):
        sender = kafka._sender.sender_task  # noqa: SLF001  # see above
        if sender is not None:
            sender.cancel()
        with contextlib.suppress(KafkaError):
            await kafka.client.close()
