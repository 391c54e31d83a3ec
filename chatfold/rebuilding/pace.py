"""A sink that lets no more than so many records a second through."""

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

from projections.sink import Move, Sink

T = TypeVar("T")
P = TypeVar("P")


class Paced(Generic[T, P]):
    """Waits after each batch for as long as it was too fast."""

    def __init__(self, sink: Sink[T, P], per_second: float) -> None:
        self._sink = sink
        self._per_second = per_second
        self._free_at = 0.0

    async def start(self) -> None:
        """As the sink."""
        await self._sink.start()

    async def position(self, topic: str, partition: int) -> int | None:
        """As the sink."""
        return await self._sink.position(topic, partition)

    async def confirm(self, topic: str, partition: int, position: int | None) -> None:
        """As the sink."""
        await self._sink.confirm(topic, partition, position)

    def prepare(self, batch: Sequence[T]) -> P:
        """As the sink."""
        return self._sink.prepare(batch)

    async def write(self, prepared: P, move: Move) -> None:
        """As the sink, and then wait; all partitions of the process share the pace."""
        await self._sink.write(prepared, move)
        now = asyncio.get_running_loop().time()
        records = move.end - (move.begin or 0)
        self._free_at = max(self._free_at, now) + records / self._per_second
        await asyncio.sleep(self._free_at - now)
