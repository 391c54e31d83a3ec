"""Folds facts into the views of a store; the position moves with the last of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypeVar

from projections.active_chat import ActiveChat
from projections.sink import Fenced, Move
from projections.view_store import CHUNK, Chat, ViewStore
from projections.views import evolve
from schemas.envelope import Recorded
from schemas.facts import Fact

T = TypeVar("T")

NAME: Final = "views"
REMEMBERED: Final = 5_000  # views of a partition kept in memory, of some 8 kB each


class ViewSink:
    """The one writer of the views; several may run, the partitions shared out.

    Views are written before the position. If the writer dies between the two, the same facts
    come again and are older than what is there.
    """

    def __init__(
        self,
        store: ViewStore,
        lifetime: timedelta,
        *,
        clock: Callable[[], datetime],
        reach: Callable[[str], None],
    ) -> None:
        self._store = store
        self._lifetime = lifetime
        self._clock = clock
        self._reach = reach
        self._known: dict[tuple[str, int], dict[Chat, ActiveChat | None]] = {}

    async def start(self) -> None:
        """Find the store."""
        await self._store.position("", 0)

    async def position(self, topic: str, partition: int) -> int | None:
        """The stored position; what we remembered of the partition may be another's past."""
        self._known.pop((topic, partition), None)
        return await self._store.position(topic, partition)

    async def confirm(self, topic: str, partition: int, position: int | None) -> None:
        """Notice that the store was emptied even while nothing happens."""
        stored = await self._store.position(topic, partition)
        if stored != position:
            raise Fenced(f"views of {topic}/{partition} are at {stored} instead of {position}")

    def prepare(self, batch: Sequence[Recorded[Fact]]) -> Sequence[Recorded[Fact]]:
        """The batch itself: folding needs what the store holds."""
        return batch

    async def write(self, prepared: Sequence[Recorded[Fact]], move: Move) -> None:
        """Write what has changed in chunks, the step with the last."""
        known = self._known.setdefault((move.topic, move.partition), {})
        chats = dict.fromkeys((one.tenant, one.chat_id) for one in prepared)
        await self._load([chat for chat in chats if chat not in known], known)
        for one in prepared:
            chat = (one.tenant, one.chat_id)
            known[chat] = evolve(known[chat], one, self._lifetime)
        changed = [view for chat in chats if (view := known[chat]) is not None]
        await self._save(changed, move)
        _forget(known, chats)

    async def _load(self, missing: Sequence[Chat], known: dict[Chat, ActiveChat | None]) -> None:
        for chunk in _chunks(missing):
            known.update(zip(chunk, await self._store.load(chunk), strict=True))

    async def _save(self, views: Sequence[ActiveChat], move: Move) -> None:
        chunks = list(_chunks(views)) or [[]]
        for chunk in chunks:
            self._reach("views.before_write")
            step = move if chunk is chunks[-1] else None
            await self._store.save(chunk, self._clock(), step)
            self._reach("views.after_write")


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def _forget(known: dict[Chat, ActiveChat | None], used: Iterable[Chat]) -> None:
    """Keep those that were used last."""
    for chat in used:
        known[chat] = known.pop(chat)
    for chat in list(islice(known, max(0, len(known) - REMEMBERED))):
        del known[chat]
