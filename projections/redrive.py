"""Takes up facts that wait, once what kept them from being folded is mended."""

import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from projections import parked_facts
from projections.parked_facts import Place
from projections.postgres import PostgresSink
from projections.registry import Projection
from projections.sink import Fenced, Parked, Unwritable

if TYPE_CHECKING:
    from projections.parked_facts import Connection

T = TypeVar("T")

_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many facts have become rows; where the first is that still cannot, and why."""

    folded: int
    stuck_at: int | None = None
    reason: str | None = None


class Redrive(Generic[T]):
    """Folds what waits of one partition; the partition's writer may run meanwhile.

    Each transaction locks the position first, as the writer's do: what waits is either there
    for both or gone for both, so a fact becomes rows once, however often this runs.
    """

    def __init__(self, sink: PostgresSink[T], projection: Projection[T]) -> None:
        self._sink = sink
        self._projection = projection

    async def run(self, topic: str, partition: int, key: bytes) -> Redriven:
        """Fold what waits of `key`, in order, up to the first fact that still cannot be folded."""
        place, folded, limit = (self._projection.name, topic, partition), 0, _AT_ONCE
        while waiting := await self._waiting(place, key, limit):
            facts, trouble = self._decoded(waiting)
            if not facts:
                return await self._stuck(place, waiting[0], trouble, folded)
            try:
                await self._fold(place, facts)
            except Fenced:
                continue  # another replays the same: what is left is to be seen
            except Unwritable as error:
                if len(facts) == 1:
                    return await self._stuck(place, waiting[0], (str(error), ""), folded)
                limit = len(facts) // 2
            else:
                folded += len(facts)
        return Redriven(folded)

    async def discard(self, topic: str, partition: int, offset: int) -> bool:
        """Let the fact go, for good; whether it was waiting."""
        place = (self._projection.name, topic, partition)
        async with self._sink.transaction() as connection:
            await parked_facts.lock(connection, place)
            return await parked_facts.remove(connection, place, [offset]) == 1

    async def _waiting(self, place: Place, key: bytes, limit: int) -> list[Parked]:
        async with self._sink.transaction() as connection:
            return await parked_facts.first(connection, place, key, limit)

    def _decoded(self, waiting: Sequence[Parked]) -> tuple[list[tuple[Parked, T]], tuple[str, str]]:
        """Those before the first that no fold takes, and why it does not."""
        facts: list[tuple[Parked, T]] = []
        for one in waiting:
            try:
                fact = self._projection.decode(one)
                self._sink.prepare([fact])
            except Exception as error:  # noqa: BLE001  # as in triage: a fold may raise anything
                return facts, (repr(error), traceback.format_exc())
            facts.append((one, fact))
        return facts, ("", "")

    async def _fold(self, place: Place, facts: Sequence[tuple[Parked, T]]) -> None:
        batch = self._sink.prepare([fact for _, fact in facts])
        offsets = [one.offset for one, _ in facts]
        step = partial(_let_go, place=place, offsets=offsets)
        await self._sink.write_with(batch, step, f"{place[1]}/{place[2]} at {offsets[0]}")

    async def _stuck(
        self, place: Place, poison: Parked, trouble: tuple[str, str], folded: int
    ) -> Redriven:
        async with self._sink.transaction() as connection:
            await parked_facts.blame(connection, place, poison.offset, *trouble)
        return Redriven(folded, poison.offset, trouble[0])


async def _let_go(connection: "Connection", place: Place, offsets: Collection[int]) -> None:
    """The facts wait no more; raises `Fenced` if another has folded them meanwhile."""
    await parked_facts.lock(connection, place)
    if await parked_facts.remove(connection, place, list(offsets)) != len(offsets):
        raise Fenced(f"{place}: another replays the same facts")
