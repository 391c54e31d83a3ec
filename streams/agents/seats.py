"""Who may ask a model now: of one tenant only so many, so that a slow one holds up its own only."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from streams.agents import metrics
from streams.agents.comeback import Comeback
from streams.ports import Crowded, Leaving
from streams.window import Left

MOST: Final = 512
"""Calls at a time. Each is a connection; systems often allow a process 1,024 open files."""

SHARE: Final = 256
"""Of them for one tenant: four a second at 60 s, two hundred and fifty at 1 s."""

WAITING: Final = 1_000
"""Orders of one tenant that wait: a fifth of what the window holds."""

LONGEST_WAIT_SECONDS: Final = 60.0
"""An order that would wait longer comes again, so that offsets move on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many are asked, and how many wait."""

    most: int = MOST
    share: int = SHARE
    waiting: int = WAITING
    longest_wait: float = LONGEST_WAIT_SECONDS


@dataclass(slots=True)
class _Line:
    """One tenant's."""

    seats: asyncio.Semaphore
    comeback: Comeback
    waiting: int = field(default=0)

    @classmethod
    def of(cls, share: int) -> "_Line":
        """One of which so many have a seat."""
        return cls(asyncio.Semaphore(share), Comeback(share))

    def crowded(self) -> Crowded:
        """When who has found no seat is to come again."""
        return Crowded(self.comeback.after(asyncio.get_running_loop().time()))


class Seats:
    """The seats of all tenants: who took one must leave it."""

    def __init__(self, bounds: Bounds = Bounds()) -> None:
        self._bounds = bounds
        self._all = asyncio.Semaphore(bounds.most)
        self._lines = defaultdict[str, _Line](lambda: _Line.of(bounds.share))

    async def take(self, tenant: str, leaving: Leaving) -> Crowded | None:
        """Return None when there is a seat, or when to come again; raises `Left`."""
        line = self._lines[tenant]
        if not (line.seats.locked() or self._all.locked()):
            await line.seats.acquire()
            await self._all.acquire()
            line.comeback.had_room()
            return None
        if line.waiting >= self._bounds.waiting:
            return line.crowded()
        line.waiting += 1
        try:
            with metrics.THOUGHTS_WAITING.track_inprogress():
                return await self._wait(line, leaving)
        finally:
            line.waiting -= 1

    def leave(self, tenant: str) -> None:
        """Make room for the next."""
        self._all.release()
        line = self._lines[tenant]
        line.seats.release()
        line.comeback.freed(asyncio.get_running_loop().time())

    async def _wait(self, line: _Line, leaving: Leaving) -> Crowded | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._bounds.longest_wait
        if not await _acquired(line.seats, leaving, self._bounds.longest_wait):
            return line.crowded()
        got = False
        try:
            got = await _acquired(self._all, leaving, max(0.0, deadline - loop.time()))
        finally:
            if not got:
                line.seats.release()
        return None if got else line.crowded()


async def _acquired(seats: asyncio.Semaphore, leaving: Leaving, seconds: float) -> bool:
    """Whether there was a seat within so many seconds; raises `Left`."""
    acquiring = asyncio.ensure_future(seats.acquire())
    going = asyncio.ensure_future(leaving.wait())
    kept = False
    try:
        await asyncio.wait([acquiring, going], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        kept = acquiring.done()
    finally:
        going.cancel()
        if not kept and not acquiring.cancel():
            seats.release()
    if not kept and leaving.is_set():
        raise Left
    return kept
