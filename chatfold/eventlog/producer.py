"""An idempotent producer that is replaced when Kafka refuses it for good."""

import asyncio
import contextlib
import logging
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
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

Delivery = asyncio.Future[object]
"""Done when all replicas have a batch; raises `KafkaError`; cancelled when nobody will know."""


class LastingProducer:
    """Hands batches to Kafka, one at a time per partition, with acks=all and idempotence.

    aiokafka retries for ever what may still succeed and numbers what it sends. After an
    error that it does not retry, the numbers of that partition have a gap and all that
    follows is refused: then a new producer takes over, under a new producer id.
    """

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._kafka = self._create()
        self._under_way: set[Delivery] = set()
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
        self._give_up()

    def create_batch(self) -> BatchBuilder:
        """An empty batch."""
        return self._kafka.create_batch()

    def leader_of(self, topic: str, partition: int) -> int | None:
        """The broker that a batch for this partition would go to, as far as is known."""
        cluster = self._kafka.client.cluster
        leader: int | None = cluster.leader_for_partition(TopicPartition(topic, partition))
        return leader

    async def partitions_of(self, topic: str) -> int:
        """How many partitions `topic` has; raises `KafkaError`."""
        await self._usable.wait()
        return len(await self._kafka.partitions_for(topic))

    async def reach(self) -> None:
        """Ask Kafka for anything; raises `KafkaError`, and may wait for long."""
        await self._usable.wait()
        await self._kafka.client.fetch_all_metadata()

    async def submit(self, batch: BatchBuilder, topic: str, partition: int) -> Delivery:
        """The delivery of `batch`, under way; raises `KafkaError`.

        The one before it for the same partition must be done.
        """
        await self._usable.wait()
        kafka = self._kafka
        try:
            delivery: Delivery = await kafka.send_batch(batch, topic, partition=partition)
        except KafkaError as error:
            self._replace(kafka, error)
            raise
        self._under_way.add(delivery)
        delivery.add_done_callback(lambda done: self._done(kafka, done))
        return delivery

    def _done(self, kafka: AIOKafkaProducer, delivery: Delivery) -> None:
        self._under_way.discard(delivery)
        if not delivery.cancelled() and (error := delivery.exception()):
            self._replace(kafka, error)

    def _replace(self, refused: AIOKafkaProducer, error: BaseException) -> None:
        if refused is not self._kafka or not self._usable.is_set():
            return
        logger.error("Kafka refused a batch, a new producer takes over: %r", error)
        self._usable.clear()
        self._replacing = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        await _close(self._kafka)
        self._give_up()
        while True:
            if await self._started():
                break
            await asyncio.sleep(RESTART_SECONDS)
        metrics.PRODUCERS.inc()
        self._usable.set()

    def _give_up(self) -> None:
        """What the closed producer still had under way nobody will hear of."""
        for delivery in tuple(self._under_way):
            delivery.cancel()

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
