"""Folds facts into the views of a store; the position moves with the last of them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from projections.active_chat import ActiveChat
from projections.sink import Fenced, Move, Parked, Unwritable, Waiters
from projections.view_store import NAME, Chat, ViewStore, chunks
from projections.views import evolve
from schemas.envelope import Recorded
from schemas.facts import Fact

REMEMBERED: Final = 5_000  # views of a partition kept in memory, of some 8 kB each

Facts = Sequence[Recorded[Fact]]
Known = dict[Chat, ActiveChat | None]
Evolve = Callable[[ActiveChat | None, Recorded[Fact], timedelta], ActiveChat | None]
Opens = Callable[[], Awaitable[ViewStore]]
"""Opens the build to write; asked again whenever the position is."""


@dataclass(frozen=True, slots=True)
class ViewBatch:
    """The facts to fold, which needs what the store holds, and what is to wait."""

    facts: Facts
    parked: Sequence[Parked] = ()


@dataclass(slots=True)
class _Share:
    """A partition's build, and what we remember of it."""

    store: ViewStore
    known: Known


class ViewSink:
    """The one writer of the views; several may run, the partitions shared out.

    Views are written before the position. If the writer dies between the two, the same facts
    come again and are older than what is there.
    """

    def __init__(
        self,
        opens: Opens,
        lifetime: timedelta,
        *,
        clock: Callable[[], datetime],
        reach: Callable[[str], None],
        evolve: Evolve = evolve,
    ) -> None:
        self._opens = opens
        self._lifetime = lifetime
        self._clock = clock
        self._reach = reach
        self._evolve = evolve
        self._shares: dict[tuple[str, int], _Share] = {}

    async def start(self) -> None:
        """Find the store."""
        await self._opens()

    async def position(self, topic: str, partition: int) -> int | None:
        """The stored position; what we remembered of the partition may be another's past."""
        share = _Share(await self._opens(), {})
        self._shares[topic, partition] = share
        return await share.store.position(topic, partition)

    async def confirm(self, topic: str, partition: int, position: int | None) -> None:
        """Notice that the store was emptied, or another build promoted, while nothing happens."""
        share = await self._share(topic, partition)
        stored = await share.store.position(topic, partition)
        if stored != position:
            raise Fenced(f"{NAME} of {topic}/{partition} are at {stored} instead of {position}")

    def prepare(self, batch: Facts) -> ViewBatch:
        """The batch itself: folding needs what the store holds."""
        return ViewBatch(batch)

    async def waiting(self, topic: str, partition: int) -> frozenset[bytes]:
        """The keys whose facts wait."""
        return await (await self._share(topic, partition)).store.waiting(topic, partition)

    def parking(self, prepared: ViewBatch, parked: Sequence[Parked]) -> ViewBatch:
        """The same batch, and what waits from then on."""
        return ViewBatch(prepared.facts, parked)

    async def write(self, prepared: ViewBatch, move: Move) -> None:
        """Write what has changed in chunks, the step with the last."""
        share = await self._share(move.topic, move.partition)
        folded = await self._folded(share.store, share.known, prepared.facts)
        await self._save(share.store, _there(folded), move, prepared.parked)
        share.known.update(folded)
        _forget(share.known, folded)

    async def take_up(
        self, store: ViewStore, facts: Facts, waiters: Waiters, offsets: Sequence[int]
    ) -> None:
        """Write the view of the chat, and let the facts go that waited; raises as `write`."""
        folded = await self._folded(store, {}, facts)
        await store.take_up(_there(folded), self._clock(), waiters, offsets)

    async def _share(self, topic: str, partition: int) -> _Share:
        if (topic, partition) not in self._shares:
            self._shares[topic, partition] = _Share(await self._opens(), {})
        return self._shares[topic, partition]

    async def _folded(self, store: ViewStore, known: Known, facts: Facts) -> Known:
        """The views after the facts; raises `Unwritable` where a fold fails."""
        chats = list(dict.fromkeys((one.tenant, one.chat_id) for one in facts))
        found = {chat: known[chat] for chat in chats if chat in known}
        for chunk in chunks([chat for chat in chats if chat not in known]):
            found.update(zip(chunk, await store.load(chunk), strict=True))
        for one in facts:
            chat = (one.tenant, one.chat_id)
            try:
                found[chat] = self._evolve(found[chat], one, self._lifetime)
            except Exception as error:  # a fold may raise anything; the chat waits, not the others
                raise Unwritable(f"the view of {one.chat_id} cannot be made: {error!r}") from error
        return {chat: found[chat] for chat in chats}

    async def _save(
        self, store: ViewStore, views: Sequence[ActiveChat], move: Move, parked: Sequence[Parked]
    ) -> None:
        parts = list(chunks(views)) or [[]]
        for chunk in parts:
            self._reach("views.before_write")
            if chunk is parts[-1]:
                await store.save(chunk, self._clock(), move, parked)
            else:
                await store.save(chunk, self._clock(), None)
            self._reach("views.after_write")


def _there(views: Known) -> list[ActiveChat]:
    return [view for view in views.values() if view is not None]


def _forget(known: Known, used: Iterable[Chat]) -> None:
    """Keep those that were used last."""
    for chat in used:
        known[chat] = known.pop(chat)
    for chat in list(islice(known, max(0, len(known) - REMEMBERED))):
        del known[chat]
