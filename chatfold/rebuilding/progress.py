"""How far a rebuild is, by the positions that are stored with its rows."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chatfold.rebuilding import metrics
from chatfold.rebuilding import target as targets
from chatfold.rebuilding.reading import Ends
from chatfold.rebuilding.target import Target
from projections.build import LIVE, Build

_LOOK_SECONDS: Final = 0.5
_SMOOTHING: Final = 0.3  # of the newest rate in the shown one


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`step` is fill, index, analyze, catch up or ready; `records` of `total` offsets are done.

    `seconds_left` is None where nobody knows; `behind_live` counts offsets.
    """

    build: str
    step: str
    records: int
    total: int
    per_second: float
    seconds_left: float | None
    behind_live: int

    @property
    def ratio(self) -> float:
        """Between 0 and 1."""
        return self.records / self.total if self.total else 1.0


Show = Callable[[Progress], None]


class Watch:
    """Shows the progress of one build from time to time."""

    def __init__(self, target: Target, build: Build, show: Show) -> None:
        self._target = target
        self._build = build
        self._show = show
        self._rate = 0.0
        self._last: tuple[float, int] | None = None

    async def follow(self, step: str, ends: Ends, done: asyncio.Event) -> None:
        """Until it is done; not until cancelled, which a store's client may take for an answer."""
        while not done.is_set():
            await self.look(step, ends)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), _LOOK_SECONDS)

    async def look(self, step: str, ends: Ends) -> None:
        """Show how it stands."""
        there, live = await self._positions()
        done = sum(_done(there.get(part), *span) for part, span in ends.items())
        total = sum(end - first for first, end in ends.values())
        self._measure(done)
        left = (total - done) / self._rate if self._rate else None
        behind = sum(max(0, end - there.get(part, 0)) for part, end in live.items())
        found = Progress(
            build=self._build.name,
            step=step,
            records=done,
            total=total,
            per_second=round(self._rate, 1),
            seconds_left=None if left is None else round(left, 1),
            behind_live=behind,
        )
        metrics.RATIO.labels(self._build.projection).set(found.ratio)
        metrics.ETA.labels(self._build.projection).set(left or 0.0)
        self._show(found)

    async def _positions(self) -> tuple[Mapping[int, int], Mapping[int, int]]:
        there = await self._target.positions(self._build)
        return there, await self._target.positions(await targets.get(self._target, LIVE))

    def _measure(self, done: int) -> None:
        now = asyncio.get_running_loop().time()
        if self._last is not None and now > self._last[0]:
            newest = max(0, done - self._last[1]) / (now - self._last[0])
            self._rate = (
                _SMOOTHING * newest + (1 - _SMOOTHING) * self._rate if self._rate else newest
            )
        self._last = (now, done)


def _done(position: int | None, first: int, end: int) -> int:
    return 0 if position is None else max(0, min(position, end) - first)
