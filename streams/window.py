"""Many orders in flight, one per chat, acknowledged per partition strictly in order.

Kafka keeps one number per partition: everything before it is done. So an order may be
acknowledged only when all before it are, however early it finished itself.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Hashable, Iterable
from enum import Enum, auto
from typing import Final, Generic, Protocol, TypeVar

from streams.ports import Leaving

logger = logging.getLogger(__name__)

LIMIT: Final = 200
"""Orders in flight: 200 at 100 ms each are 2,000 a second, more than one Faust worker takes."""

HELD: Final = 5_000
"""Orders held in all; those behind a slow one too, 15 s at 300 a second."""


class Left(Exception):
    """A handler gives up because its window is leaving; the event comes again elsewhere."""


class Event(Protocol):
    """What the stream hands out."""

    @property
    def partition(self) -> Hashable:
        """Where it comes from."""

    @property
    def offset(self) -> int:
        """Its place there."""

    @property
    def key(self) -> Hashable:
        """The chat it belongs to."""

    def ack(self) -> None:
        """Let this offset be committed, and so all before it."""

    def drop(self) -> None:
        """Forget the event without an acknowledgement; it will come again."""


E = TypeVar("E", bound=Event)

Handler = Callable[[E, Leaving], Coroutine[None, None, None]]
"""Returns when the event is dealt with, for good; raises `Left`, and nothing else."""


class _State(Enum):
    WAITING = auto()
    RUNNING = auto()
    DONE = auto()
    DROPPED = auto()


class _Entry(Generic[E]):
    __slots__ = ("event", "state")

    def __init__(self, event: E) -> None:
        self.event = event
        self.state = _State.WAITING


class _Lane(Generic[E]):
    """One partition for as long as it is ours."""

    __slots__ = ("chats", "entries", "last", "leaving", "running")

    def __init__(self) -> None:
        self.entries = deque[_Entry[E]]()
        self.chats: dict[Hashable, deque[_Entry[E]]] = {}
        self.running: set[asyncio.Task[None]] = set()
        self.leaving = Leaving()
        self.last = -1

    def add(self, event: E) -> _Entry[E]:
        if event.offset <= self.last:
            raise RuntimeError(f"offset {event.offset} came after {self.last}")
        self.last = event.offset
        entry = _Entry(event)
        self.entries.append(entry)
        self.chats.setdefault(event.key, deque()).append(entry)
        return entry

    def next_of_chat(self, key: Hashable) -> _Entry[E] | None:
        """End the first entry of the chat; the one that may run now."""
        waiting = self.chats[key]
        waiting.popleft()
        if not waiting:
            del self.chats[key]
            return None
        return waiting[0]

    def acknowledge(self) -> int:
        """Acknowledge what is done from the head on; how many entries that were."""
        before = len(self.entries)
        while self.entries and self.entries[0].state is _State.DONE:
            self.entries.popleft().event.ack()
        return before - len(self.entries)

    def drop_waiting(self) -> None:
        """Give up what has not begun: nothing after it is acknowledged any more."""
        for entry in self.entries:
            if entry.state is _State.WAITING:
                entry.state = _State.DROPPED
                entry.event.drop()


class InOrderWindow(Generic[E]):
    """At most `limit` events in flight and `held` in memory, one at a time per chat.

    Partitions must be assigned before their events are submitted; an event of any other is
    dropped. An error that leaves the handler, which none should, is kept in `defect`, and
    its partition is not acknowledged any further.
    """

    def __init__(self, handler: Handler[E], *, limit: int = LIMIT, held: int = HELD) -> None:
        self._handler = handler
        self._limit = limit
        self._room = asyncio.Semaphore(max(limit, held))
        self._lanes: dict[Hashable, _Lane[E]] = {}
        self._ready = deque[tuple[_Lane[E], _Entry[E]]]()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.defect: BaseException | None = None

    @property
    def in_flight(self) -> int:
        """Events being handled, those of partitions given away too."""
        return len(self._tasks)

    @property
    def held(self) -> int:
        """Events not yet acknowledged, of the partitions that are ours."""
        return sum(len(lane.entries) for lane in self._lanes.values())

    def oldest(self, partition: Hashable) -> E | None:
        """The first event of the partition that is not acknowledged; None if all are."""
        lane = self._lanes.get(partition)
        return lane.entries[0].event if lane and lane.entries else None

    async def submit(self, event: E) -> None:
        """Take an event; waits while there is no room."""
        lane = self._lanes.get(event.partition)
        if lane is not None:
            await self._room.acquire()
            if self._lanes.get(event.partition) is lane:
                self._take(lane, event)
                return
            self._room.release()
        event.drop()

    def assign(self, partitions: Iterable[Hashable]) -> None:
        """Take events of these partitions from now on."""
        if not self._closed:
            for partition in partitions:
                self._lanes.setdefault(partition, _Lane())

    async def revoke(self, partitions: Collection[Hashable], grace: float) -> None:
        """Give partitions away: wait up to `grace` seconds for what is in flight.

        What is done by then in order is acknowledged, all else is not, and comes again
        wherever the partitions go. What is still in flight then goes on unobserved.
        """
        await self._leave([self._lanes[one] for one in partitions if one in self._lanes], grace)
        for partition in partitions:
            self._forget(partition)

    async def close(self, grace: float) -> None:
        """Give everything away, and cancel what is still in flight after `grace` seconds."""
        self._closed = True
        await self.revoke(list(self._lanes), grace)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _leave(self, lanes: Collection[_Lane[E]], grace: float) -> None:
        for lane in lanes:
            lane.leaving.set()
            lane.drop_waiting()
        running = {task for lane in lanes for task in lane.running}
        if running:
            await asyncio.wait(running, timeout=grace)

    def _forget(self, partition: Hashable) -> None:
        lane = self._lanes.pop(partition, None)
        if lane is not None:
            for entry in lane.entries:
                self._room.release()
                if entry.state is not _State.DROPPED:
                    entry.state = _State.DROPPED
                    entry.event.drop()

    def _take(self, lane: _Lane[E], event: E) -> None:
        entry = lane.add(event)
        if lane.leaving.is_set():
            entry.state = _State.DROPPED
            event.drop()
        elif lane.chats[event.key][0] is entry:
            self._ready.append((lane, entry))
            self._fill()

    def _fill(self) -> None:
        """Start what may run, first come first served."""
        while self._ready and len(self._tasks) < self._limit:
            lane, entry = self._ready.popleft()
            if entry.state is _State.WAITING:
                self._start(lane, entry)

    def _start(self, lane: _Lane[E], entry: _Entry[E]) -> None:
        entry.state = _State.RUNNING
        task = asyncio.create_task(self._handler(entry.event, lane.leaving))
        lane.running.add(task)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._finished(lane, entry, task))

    def _finished(self, lane: _Lane[E], entry: _Entry[E], task: asyncio.Task[None]) -> None:
        lane.running.discard(task)
        self._tasks.discard(task)
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is not None:
            self._fail(lane, entry, error)
        elif entry.state is _State.RUNNING:
            entry.state = _State.DONE
            for _ in range(lane.acknowledge()):
                self._room.release()
        following = lane.next_of_chat(entry.event.key)
        if following is not None:
            self._ready.append((lane, following))
        self._fill()

    def _fail(self, lane: _Lane[E], entry: _Entry[E], error: BaseException) -> None:
        if entry.state is _State.RUNNING:
            entry.state = _State.DROPPED
            entry.event.drop()
        if not isinstance(error, Left | asyncio.CancelledError):
            logger.error("handler failed at %s/%s", *_place(entry.event), exc_info=error)
            self.defect = self.defect or error
            lane.leaving.set()
            lane.drop_waiting()


def _place(event: Event) -> tuple[Hashable, int]:
    return event.partition, event.offset
