"""One build as a folder, for its one writer."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from projections.active_chat import ActiveChat
from projections.json_files.folder import ChatFile, Folder, ParkedFile, Positions
from projections.json_files.folder import replace as replace_file
from projections.parked_facts import PoisonFact
from projections.sink import Fenced, Move, Parked, ProjectionRefused, Waiters
from projections.view_store import (
    Chat,
    Waiting,
    kept,
    poison,
    resting,
    stored,
    waiting,
)


class JsonBuild:
    """The build of this name; `is_live` if it is to be written only as long as it is that."""

    def __init__(self, folder: Folder, name: str, *, is_live: bool) -> None:
        self._folder = folder
        self._name = name
        self._is_live = is_live

    async def load(self, chats: Sequence[Chat]) -> list[ActiveChat | None]:
        """As `ViewStore`."""
        with self._folder.telling():
            return await asyncio.to_thread(self._load, chats)

    async def save(
        self,
        views: Sequence[ActiveChat],
        now: datetime,
        move: Move | None,
        parked: Sequence[Parked] = (),
    ) -> None:
        """As `ViewStore`."""
        with self._folder.telling():
            await asyncio.to_thread(self._save, views, now, move, parked)

    async def position(self, topic: str, partition: int) -> int | None:
        """As `ViewStore`."""
        with self._folder.telling():
            await asyncio.to_thread(self._refuse)
            positions = await asyncio.to_thread(self._folder.positions, self._name)
        return positions.get(f"{topic}/{partition}")

    async def waiting(self, topic: str, partition: int) -> frozenset[bytes]:
        """As `ViewStore`."""
        with self._folder.telling():
            parked = await asyncio.to_thread(self._folder.parked, self._name)
        return frozenset(one.key for one in parked.get(f"{topic}/{partition}", ()))

    async def first(self, waiters: Waiters, limit: int) -> list[Parked]:
        """As `ViewStore`."""
        with self._folder.telling():
            parked = await asyncio.to_thread(self._folder.parked, self._name)
        return [one.parked() for one in _of(waiters, parked)[:limit]]

    async def take_up(
        self,
        views: Sequence[ActiveChat],
        now: datetime,
        waiters: Waiters,
        offsets: Sequence[int],
    ) -> None:
        """As `ViewStore`."""
        del now  # files have no time to live
        with self._folder.telling():
            await asyncio.to_thread(self._take_up, views, waiters, list(offsets))

    async def blame(self, waiters: Waiters, offset: int, reason: str, stack: str) -> None:
        """As `ViewStore`."""
        with self._folder.telling():
            await asyncio.to_thread(self._blame, waiters, offset, reason, stack)

    async def poison(self) -> list[PoisonFact]:
        """As `ViewStore`."""
        with self._folder.telling():
            parked = await asyncio.to_thread(self._folder.parked, self._name)
        return [one for place, there in parked.items() for one in _poison(place, there)]

    def _load(self, chats: Sequence[Chat]) -> list[ActiveChat | None]:
        found = [self._folder.read(self._name, chat) for chat in chats]
        hits = sum(file is not None and file.view is not None for file in found)
        self._folder.count(operations=len(chats), hits=hits, misses=len(chats) - hits)
        return [
            (file.view or resting(chat, file.kept)) if file else None
            for chat, file in zip(chats, found, strict=True)
        ]

    def _save(
        self,
        views: Sequence[ActiveChat],
        now: datetime,
        move: Move | None,
        parked: Sequence[Parked],
    ) -> None:
        with self._alone():
            positions = self._folder.positions(self._name)
            if move is not None and positions.get(_place(move)) != move.begin:
                raise Fenced(f"views: {move}: the stored position is another one, or none")
            if move is not None and parked:
                self._park(_place(move), [waiting(one, now) for one in parked])
            for view in views:
                self._write(view)
            if move is not None:
                there = Positions(by_partition=positions | {_place(move): move.end})
                replace_file(self._folder.home(self._name) / "positions.json", there)
        self._folder.count(operations=len(views))

    def _park(self, place: str, more: Sequence[Waiting]) -> None:
        """Before the position moves: facts that come again after a kill are known already."""
        parked = self._folder.parked(self._name)
        there = parked.get(place, [])
        known = {one.key for one in there} | {one.key for one in more if one.reason is not None}
        if any(one.key not in known for one in more):
            raise Fenced(f"views {place}: facts that others waited behind are there by now")
        offsets = {one.offset for one in there}
        new = [one for one in more if one.offset not in offsets]
        self._keep(parked | {place: sorted((*there, *new), key=lambda one: one.offset)})

    def _take_up(
        self, views: Sequence[ActiveChat], waiters: Waiters, offsets: Sequence[int]
    ) -> None:
        with self._alone():
            parked = self._folder.parked(self._name)
            first = _of(waiters, parked)[: len(offsets)]
            if [one.offset for one in first] != offsets:
                raise Fenced(f"{waiters}: another replays the same facts")
            for view in views:
                self._write(view)
            place = waiters.place
            left = [one for one in parked.get(place, ()) if one.offset not in set(offsets)]
            self._keep(parked | {place: left})

    def _blame(self, waiters: Waiters, offset: int, reason: str, stack: str) -> None:
        with self._alone():
            parked = self._folder.parked(self._name)
            first = next(iter(_of(waiters, parked)), None)
            if first is not None and first.offset == offset:
                there = parked[waiters.place]
                there[there.index(first)] = _blamed(first, reason, stack)
                self._keep(parked)

    def _keep(self, parked: dict[str, list[Waiting]]) -> None:
        there = ParkedFile(by_partition={place: some for place, some in parked.items() if some})
        replace_file(self._folder.home(self._name) / "parked.json", there)

    def _write(self, view: ActiveChat) -> None:
        chat = (view.tenant, view.chat_id)
        there = self._folder.read(self._name, chat)
        if there is not None and there.kept.seq >= view.seq:
            return
        stored(view)  # refuses what JSON cannot hold
        shown = view if view.merged_into is None else None
        activity = view.last_activity.timestamp() if shown else 0.0  # counted by it
        file = ChatFile(kept=kept(view), view=shown)
        replace_file(self._folder.path(self._name, chat), file, activity)

    def _refuse(self) -> None:
        if self._is_live and self._folder.live() != self._name:
            raise Fenced(f"views {self._name}: another build was promoted")
        if not self._is_live and self._name not in self._folder.records():
            raise ProjectionRefused(f"Build {self._name} of the views was dropped.")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The one writer; one of the live build waits for as long as a promotion holds it."""
        if self._is_live:
            with self._folder.locked("live"), self._folder.locked(f"of-{self._name}"):
                self._refuse()
                yield
        else:
            with self._folder.locked(f"of-{self._name}"):
                self._refuse()
                yield


def _place(move: Move) -> str:
    return f"{move.topic}/{move.partition}"


def _of(waiters: Waiters, parked: dict[str, list[Waiting]]) -> list[Waiting]:
    return [one for one in parked.get(waiters.place, ()) if one.key == waiters.key]


def _poison(place: str, there: Sequence[Waiting]) -> Iterator[PoisonFact]:
    topic, _, partition = place.rpartition("/")
    for key in sorted({one.key for one in there}):
        first, *behind = (one for one in there if one.key == key)
        yield poison(topic, int(partition), first, len(behind))


def _blamed(one: Waiting, reason: str, stack: str) -> Waiting:
    return waiting(replace(one.parked(), reason=reason, stack=stack), one.parked_at)
