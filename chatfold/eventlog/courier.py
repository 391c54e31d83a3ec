"""Carries batches to one broker in rounds: all that is ready, in one request."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final

from aiokafka.errors import KafkaError

from chatfold.eventlog import metrics
from chatfold.eventlog.lanes import Batch, Lane
from chatfold.eventlog.producer import Delivery, LastingProducer

logger = logging.getLogger(__name__)

FULL_RECORDS: Final = 16  # so many share the price of a round; fewer gain by waiting for others
GATHER_SECONDS: Final = 0.005  # after a round of fewer: at 800/s 40 % less CPU per webhook
FULL_GATHER_SECONDS: Final = 0.001  # after a full one: a tenth less, and no later
ROUND_SECONDS: Final = 0.05  # a partition in trouble holds up the others for no longer

Settle = Callable[[Lane, Batch, str | None], None]


class Courier:
    """Serves the lanes that one broker leads.

    aiokafka has one request under way per broker. A batch that is handed over meanwhile is
    closed and waits, so a round waits for the one before it and takes fuller batches
    along: half the requests, and half the batches.
    """

    def __init__(self, producer: LastingProducer, settle: Settle) -> None:
        self._producer = producer
        self._settle = settle
        self._listed: deque[Lane] = deque()
        self._last_round = 0
        self._task: asyncio.Task[None] | None = None

    def enlist(self, lane: Lane) -> None:
        """Take a batch of `lane` along in the next round."""
        lane.listed = True
        self._listed.append(lane)
        if self._task is None:
            self._drive()

    def _drive(self) -> None:
        self._task = asyncio.create_task(self._carry())
        self._task.add_done_callback(self._carried)

    def _carried(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (bug := task.exception()):
            logger.error("carrying batches to Kafka failed", exc_info=bug)
        if self._listed:
            self._drive()

    async def _carry(self) -> None:
        while self._listed:
            if self._last_round > 1:  # who comes alone gains nothing by waiting
                await asyncio.sleep(_gathering(self._last_round))
            self._last_round, under_way = 0, []
            for _ in range(len(self._listed)):
                delivery = await self._send(self._listed.popleft())
                if delivery is not None:
                    under_way.append(delivery)
            if under_way:
                await asyncio.wait(under_way, timeout=ROUND_SECONDS)

    async def _send(self, lane: Lane) -> Delivery | None:
        lane.listed = False
        batch = lane.under_way = lane.waiting.popleft()
        if batch.is_abandoned():
            metrics.ABANDONED_BATCHES.inc()
            self._settle(lane, batch, "abandoned")
            return None
        self._last_round += batch.builder.record_count()
        refusal, delivery, began = "it was interrupted", None, time.perf_counter()
        try:
            delivery = await self._producer.submit(batch.builder, lane.topic, lane.partition)
            delivery.add_done_callback(partial(self._delivered, lane, batch, began))
        except KafkaError as error:
            refusal = repr(error)
        finally:
            if delivery is None:
                metrics.FAILED_BATCHES.inc()
                self._settle(lane, batch, f"handing a batch to Kafka failed: {refusal}")
        return delivery

    def _delivered(self, lane: Lane, batch: Batch, began: float, delivery: Delivery) -> None:
        metrics.BATCH_RECORDS.observe(batch.builder.record_count())
        metrics.APPEND_SECONDS.observe(time.perf_counter() - began)
        refusal = _refusal(delivery)
        if refusal is not None:
            metrics.FAILED_BATCHES.inc()
        self._settle(lane, batch, refusal)


def _gathering(records: int) -> float:
    return FULL_GATHER_SECONDS if records >= FULL_RECORDS else GATHER_SECONDS


def _refusal(delivery: Delivery) -> str | None:
    if delivery.cancelled():
        return "Kafka refused the producer while this batch was under way"
    error = delivery.exception()
    return f"Kafka refused a batch: {error!r}" if error else None
