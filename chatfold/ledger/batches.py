"""Group commit: while one batch is under way, those who ask meanwhile share the next."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping
from time import perf_counter
from typing import Final, Generic, TypeVar

from chatfold.ledger import metrics
from streams.ports import Unavailable

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
A = TypeVar("A")
R = TypeVar("R")

LARGEST: Final = 500
INTERVAL_SECONDS: Final = 0.003  # for each question of a shared batch …
LONGEST_INTERVAL_SECONDS: Final = 0.02  # … but no longer, until the next one begins
"""1,000 claims a second then are 50 statements, and one that comes alone does not wait."""

BATCH_SECONDS: Final = 10.0
WAIT_SECONDS: Final = 15.0
"""Longer than one batch; a connection to a frozen server can be stuck for longer than either."""

Carry = Callable[[Mapping[K, A]], Awaitable[Mapping[K, R]]]


class Batches(Generic[K, A, R]):
    """Gathers questions by key and carries them to the server, one batch at a time.

    Whoever asks for a key that is asked for already shares its answer. An error in `away`
    means that the server is away; all who share the batch hear of it.
    """

    def __init__(
        self, operation: str, carry: Carry[K, A, R], away: tuple[type[Exception], ...]
    ) -> None:
        self._operation = operation
        self._carry = carry
        self._away = away
        self._asked: dict[K, tuple[A, asyncio.Future[R]]] = {}
        self._under_way: asyncio.Task[None] | None = None

    async def ask(self, key: K, argument: A) -> R:
        """The answer for `key`; raises `Unavailable`."""
        if key not in self._asked:
            self._asked[key] = (argument, asyncio.get_running_loop().create_future())
        answer = self._asked[key][1]
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._drain())
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await asyncio.shield(answer)
        except TimeoutError:
            raise Unavailable(f"the ledger did not answer in {WAIT_SECONDS} s") from None

    async def settle(self, timeout: float) -> None:
        """Wait for what is under way."""
        if self._under_way:
            await asyncio.wait([self._under_way], timeout=timeout)

    async def _drain(self) -> None:
        try:
            while self._asked:
                began = perf_counter()
                keys = list(self._asked)[:LARGEST]
                await self._answer({key: self._asked.pop(key) for key in keys})
                if len(keys) > 1:
                    gathered = began + min(len(keys) * INTERVAL_SECONDS, LONGEST_INTERVAL_SECONDS)
                    await asyncio.sleep(max(0.0, gathered - perf_counter()))
        finally:
            self._under_way = None

    async def _answer(self, asked: Mapping[K, tuple[A, asyncio.Future[R]]]) -> None:
        began = perf_counter()
        try:
            async with asyncio.timeout(BATCH_SECONDS):
                answers = await self._carry({key: given for key, (given, _) in asked.items()})
        except self._away as error:
            self._fail(asked, error)
            return
        metrics.BATCH.labels(self._operation).observe(len(asked))
        metrics.SECONDS.labels(self._operation).observe(perf_counter() - began)
        for key, (_, answer) in asked.items():
            if key in answers and not answer.done():
                answer.set_result(answers[key])
        unanswered = {key: one for key, one in asked.items() if not one[1].done()}
        if unanswered:
            self._fail(unanswered, LookupError("effects came and went meanwhile"))

    def _fail(self, asked: Mapping[K, tuple[A, asyncio.Future[R]]], error: Exception) -> None:
        metrics.FAILURES.labels(self._operation).inc()
        logger.warning("ledger: %s of %s effects failed: %r", self._operation, len(asked), error)
        for _, answer in asked.values():
            if not answer.done():
                answer.set_exception(Unavailable(f"the ledger: {error!r}"))
                answer.exception()  # those who wait have it; nobody may be left
