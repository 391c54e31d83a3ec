"""How many bytes of files are in memory at a time, of all accounts and of one."""

import asyncio
from collections import defaultdict, deque
from contextlib import AsyncExitStack
from typing import Final

from streams.agents import metrics

ROOM_BYTES: Final = 512_000_000
"""Each file is there about twice, as what came and as what is handed on."""


class Room:
    """Hands out bytes, first come first served; one account never has more than half.

    What is larger than all there is gets all there is, alone.
    """

    def __init__(self, capacity: int = ROOM_BYTES) -> None:
        self._all = Space(capacity)
        self._shares = defaultdict[str, Space](lambda: Space(capacity // 2))

    def of(self, whose: str) -> "Stay":
        """What an order of an account takes; `async with` gives it back."""
        return Stay(self._shares[whose], self._all)


class Stay:
    """The bytes that one order has taken."""

    def __init__(self, share: "Space", whole: "Space") -> None:
        self._spaces = (share, whole)
        self._taken = AsyncExitStack()

    async def __aenter__(self) -> "Stay":
        """Begin with none."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give all back."""
        await self._taken.aclose()

    async def reserve(self, count: int) -> None:
        """Return when there is room for `count` bytes instead of those taken before."""
        await self._taken.aclose()
        with metrics.MEDIA_WAITING.labels("room").track_inprogress():
            for space in self._spaces:
                self._taken.callback(space.give, await space.take(count))


class Space:
    """A number of bytes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = self._free = capacity
        self._waiting = deque[tuple[int, asyncio.Future[None]]]()

    async def take(self, count: int) -> int:
        """Return when they are ours; how many we got."""
        wanted = min(count, self._capacity)
        if not self._waiting and wanted <= self._free:
            self._free -= wanted
            return wanted
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(wanted)
            raise
        return wanted

    def give(self, count: int) -> None:
        """Have them back."""
        self._free += count
        while self._waiting:
            wanted, turn = self._waiting[0]
            if not turn.done():
                if wanted > self._free:
                    return
                self._free -= wanted
                turn.set_result(None)
            self._waiting.popleft()
