"""Takes up facts that wait, once what kept them from being folded is mended."""

import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from projections import parked_facts
from projections.parked_facts import Place
from projections.postgres import PostgresSink
from projections.registry import Projection, decode_fact
from projections.sink import Fenced, Parked, Unwritable, Waiters
from projections.view_sink import Opens, ViewSink
from projections.view_store import ViewStore
from schemas.envelope import Recorded
from schemas.facts import Fact

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


class Waits(Protocol[T]):
    """A store in which facts wait, and what folds them."""

    async def first(self, waiters: Waiters, limit: int) -> list[Parked]:
        """The first of them, in the order of the log."""

    def decode(self, one: Parked) -> T:
        """The fact; raises whatever the fold raises, if it can tell without the store."""

    async def fold(self, waiters: Waiters, offsets: Sequence[int], facts: Sequence[T]) -> None:
        """Fold the first of them and let them go, in one step.

        Raises `Fenced` if another has done so meanwhile, and `Unwritable`.
        """

    async def discard(self, waiters: Waiters, offset: int) -> bool:
        """Let one go; whether it was waiting."""

    async def blame(self, waiters: Waiters, offset: int, reason: str, stack: str) -> None:
        """Name the one that the others wait behind."""


class Redrive(Generic[T]):
    """Folds what waits of one partition; the partition's writer may run meanwhile.

    What waits is either there for both or gone for both, so a fact is folded once, however often
    this runs.
    """

    def __init__(self, waits: Waits[T]) -> None:
        self._waits = waits

    async def run(self, waiters: Waiters) -> Redriven:
        """Fold what waits, in order, up to the first fact that still cannot be folded."""
        folded, limit = 0, _AT_ONCE
        while waiting := await self._waits.first(waiters, limit):
            facts, trouble = self._decoded(waiting)
            if not facts:
                return await self._stuck(waiters, waiting[0], trouble, folded)
            offsets = [one.offset for one in waiting[: len(facts)]]
            try:
                await self._waits.fold(waiters, offsets, facts)
            except Fenced:
                continue  # another replays the same: what is left is to be seen
            except Unwritable as error:
                if len(facts) == 1:
                    return await self._stuck(waiters, waiting[0], (str(error), ""), folded)
                limit = len(facts) // 2
            else:
                folded += len(facts)
        return Redriven(folded)

    async def discard(self, waiters: Waiters, offset: int) -> bool:
        """Let the fact go, for good; whether it was waiting."""
        return await self._waits.discard(waiters, offset)

    def _decoded(self, waiting: Sequence[Parked]) -> tuple[list[T], tuple[str, str]]:
        """Those before the first that no fold takes, and why it does not."""
        facts: list[T] = []
        for one in waiting:
            try:
                facts.append(self._waits.decode(one))
            except Exception as error:  # noqa: BLE001  # as in triage: a fold may raise anything
                return facts, (repr(error), traceback.format_exc())
        return facts, ("", "")

    async def _stuck(
        self, waiters: Waiters, poison: Parked, trouble: tuple[str, str], folded: int
    ) -> Redriven:
        await self._waits.blame(waiters, poison.offset, *trouble)
        return Redriven(folded, poison.offset, trouble[0])


class RowsWait(Generic[T]):
    """Facts that wait beside tables; the position is locked first, as the writer does."""

    def __init__(self, sink: PostgresSink[T], projection: Projection[T]) -> None:
        self._sink = sink
        self._projection = projection

    async def first(self, waiters: Waiters, limit: int) -> list[Parked]:
        """As `Waits`."""
        async with self._sink.transaction() as connection:
            place = self._place(waiters)
            return await parked_facts.first(connection, place, waiters.key, limit)

    def decode(self, one: Parked) -> T:
        """As `Waits`."""
        fact = self._projection.decode(one)
        self._sink.prepare([fact])
        return fact

    async def fold(self, waiters: Waiters, offsets: Sequence[int], facts: Sequence[T]) -> None:
        """As `Waits`."""
        step = partial(_let_go, place=self._place(waiters), offsets=offsets)
        await self._sink.write_with(
            self._sink.prepare(facts), step, f"{waiters.place} at {offsets[0]}"
        )

    async def discard(self, waiters: Waiters, offset: int) -> bool:
        """As `Waits`."""
        place = self._place(waiters)
        async with self._sink.transaction() as connection:
            await parked_facts.lock(connection, place)
            return await parked_facts.remove(connection, place, [offset]) == 1

    async def blame(self, waiters: Waiters, offset: int, reason: str, stack: str) -> None:
        """As `Waits`."""
        async with self._sink.transaction() as connection:
            await parked_facts.blame(connection, self._place(waiters), offset, reason, stack)

    def _place(self, waiters: Waiters) -> Place:
        return self._projection.name, waiters.topic, waiters.partition


class ViewsWait:
    """Facts that wait beside the views; the build is opened anew with each look."""

    def __init__(self, sink: ViewSink, opens: Opens) -> None:
        self._sink = sink
        self._opens = opens
        self._store: ViewStore | None = None

    async def first(self, waiters: Waiters, limit: int) -> list[Parked]:
        """As `Waits`."""
        self._store = await self._opens()
        return await self._store.first(waiters, limit)

    def decode(self, one: Parked) -> Recorded[Fact]:
        """As `Waits`."""
        return decode_fact(one)

    async def fold(
        self, waiters: Waiters, offsets: Sequence[int], facts: Sequence[Recorded[Fact]]
    ) -> None:
        """As `Waits`."""
        store = self._store or await self._opens()
        await self._sink.take_up(store, facts, waiters, offsets)

    async def discard(self, waiters: Waiters, offset: int) -> bool:
        """As `Waits`."""
        try:
            await self._sink.take_up(await self._opens(), (), waiters, [offset])
        except Fenced:
            return False
        return True

    async def blame(self, waiters: Waiters, offset: int, reason: str, stack: str) -> None:
        """As `Waits`."""
        await (await self._opens()).blame(waiters, offset, reason, stack)


async def _let_go(connection: "Connection", place: Place, offsets: Collection[int]) -> None:
    """The facts wait no more; raises `Fenced` if another has folded them meanwhile."""
    await parked_facts.lock(connection, place)
    if await parked_facts.remove(connection, place, list(offsets)) != len(offsets):
        raise Fenced(f"{place}: another replays the same facts")
