"""Views of active chats as JSON files, for a machine without Redis; one writer at a time.

A folder for each tenant holds a file for each chat, replaced as a whole. They survive a restart
of the process; after a loss of power delete the folder, and it is made again from the log.
"""

import asyncio
import fcntl
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit

from msgspec.structs import asdict

from projections.active_chat import ActiveChat
from projections.sink import Fenced, Move, SinkUnavailable
from projections.view_store import (
    HOPS,
    VERSION,
    Chat,
    Kept,
    Stats,
    ViewsUnavailable,
    is_active,
    kept,
    resting,
    told,
)
from schemas import codec
from schemas.value import Value

T = TypeVar("T")

_CHATS: Final = "chats"


class _File(Value, frozen=True, kw_only=True):
    """What a chat's file holds."""

    kept: Kept
    view: ActiveChat | None


class _Positions(Value, frozen=True, kw_only=True):
    by_partition: dict[str, int]


class _Counts(Value, frozen=True, kw_only=True):
    operations: int = 0
    hits: int = 0
    misses: int = 0
    errors: int = 0


def folder(url: str, prefix: str) -> Path:
    """Where the views of a prefix are; `file:PATH` and `file:///PATH` both name a folder."""
    return Path(unquote(urlsplit(url).path)) / prefix / f"v{VERSION}"


class JsonFileViews:
    """The views in one folder; reads for everybody, writes for the one writer."""

    def __init__(self, home: Path, lifetime: timedelta, *, clock: Callable[[], datetime]) -> None:
        self._home = home
        self._lifetime = lifetime
        self._clock = clock
        self._errors = 0

    async def get(self, tenant: str, chat_id: str) -> ActiveChat | None:
        """The view of the chat, or of the one that goes on for it, None if it is not active.

        Raises `ViewsUnavailable`.
        """
        with self._as(ViewsUnavailable):
            return await asyncio.to_thread(self._get, (tenant, chat_id))

    async def active(self, tenant: str, limit: int = 50) -> list[ActiveChat]:
        """The tenant's active chats, the latest first; raises `ViewsUnavailable`."""
        with self._as(ViewsUnavailable):
            return await asyncio.to_thread(self._latest, tenant, limit)

    async def stats(self) -> Stats:
        """What all processes have counted; never raises."""
        try:
            with self._as(ViewsUnavailable):
                return await asyncio.to_thread(self._figures)
        except ViewsUnavailable:
            return {"reachable": False, "errors": self._errors}

    async def load(self, chats: Sequence[Chat]) -> list[ActiveChat | None]:
        """What is known of each chat; of one that is not active, only the person."""
        with self._as(SinkUnavailable):
            return await asyncio.to_thread(self._load, chats)

    async def save(self, views: Sequence[ActiveChat], now: datetime, move: Move | None) -> None:
        """Write the views that are newer than what is there, and move; or raise `Fenced`."""
        with self._as(SinkUnavailable):
            await asyncio.to_thread(self._save, views, now, move)

    async def position(self, topic: str, partition: int) -> int | None:
        """The stored position; None if there is none or the folder was emptied."""
        with self._as(SinkUnavailable):
            positions = await asyncio.to_thread(self._positions)
        return positions.get(f"{topic}/{partition}")

    async def close(self) -> None:
        """Nothing is held open."""

    def _get(self, chat: Chat) -> ActiveChat | None:
        view = self._shown(self._goes_on(chat))
        self._count(operations=1, hits=int(view is not None), misses=int(view is None))
        return view

    def _goes_on(self, chat: Chat) -> _File | None:
        file = self._read(chat)
        for _ in range(HOPS):
            if file is None or file.kept.merged_into is None:
                return file
            file = self._read((chat[0], file.kept.merged_into))
        return None

    def _latest(self, tenant: str, limit: int) -> list[ActiveChat]:
        """By the time of the files, which is that of the last activity."""
        files = sorted(self._files(tenant), key=lambda file: file.stat().st_mtime, reverse=True)
        shown = (self._shown(self._parse(file)) for file in files)
        views = [view for view in shown if view is not None]
        self._count(operations=1)
        return views[:limit]

    def _figures(self) -> Stats:
        errors, self._errors = self._errors, 0
        self._count(errors=errors)
        counts = _read_as(_Counts, self._home / "counts.json") or _Counts()
        since = (self._clock() - self._lifetime).timestamp()
        files = self._files("*")
        return told(
            reachable=True,
            operations=counts.operations,
            hits=counts.hits,
            misses=counts.misses,
            errors=counts.errors,
            active_chats=sum(file.stat().st_mtime > since for file in files),
        )

    def _load(self, chats: Sequence[Chat]) -> list[ActiveChat | None]:
        found = [self._read(chat) for chat in chats]
        views = [self._shown(file) for file in found]
        hits = sum(view is not None for view in views)
        self._count(operations=len(chats), hits=hits, misses=len(chats) - hits)
        return [
            view or (resting(chat, file.kept) if file else None)
            for chat, view, file in zip(chats, views, found, strict=True)
        ]

    def _save(self, views: Sequence[ActiveChat], now: datetime, move: Move | None) -> None:
        with self._alone():
            positions = self._positions()
            if move is not None and positions.get(_place(move)) != move.begin:
                raise Fenced(f"views: {move}: the stored position is another one, or none")
            for view in views:
                self._write(view, now)
            if move is not None:
                found = _Positions(by_partition=positions | {_place(move): move.end})
                _replace(self._home / "positions.json", found)
        self._count(operations=len(views))

    def _write(self, view: ActiveChat, now: datetime) -> None:
        chat = (view.tenant, view.chat_id)
        there = self._read(chat)
        if there is not None and there.kept.seq >= view.seq:
            return
        shown = view if is_active(view, self._lifetime, now) else None
        path = self._path(chat)
        activity = view.last_activity.timestamp() if shown else 0.0  # counted by it
        _replace(path, _File(kept=kept(view), view=shown), activity)

    def _shown(self, file: _File | None) -> ActiveChat | None:
        if file is None or file.view is None:
            return None
        return file.view if is_active(file.view, self._lifetime, self._clock()) else None

    def _positions(self) -> dict[str, int]:
        found = _read_as(_Positions, self._home / "positions.json")
        return found.by_partition if found else {}

    def _files(self, tenant: str) -> Iterator[Path]:
        return (self._home / _CHATS).glob(f"{tenant}/*.json")

    def _path(self, chat: Chat) -> Path:
        tenant, chat_id = (Path(part).name for part in chat)  # never a path out of the folder
        return self._home / _CHATS / tenant / f"{chat_id}.json"

    def _read(self, chat: Chat) -> _File | None:
        return self._parse(self._path(chat))

    def _parse(self, path: Path) -> _File | None:
        return _read_as(_File, path)

    def _count(self, **more: int) -> None:
        if not any(more.values()):
            return
        with self._alone("counts.lock"):
            path = self._home / "counts.json"
            there = _read_as(_Counts, path) or _Counts()
            sums = Counter(asdict(there)) + Counter(more)
            _replace(path, _Counts(**sums))

    @contextmanager
    def _alone(self, name: str = "lock") -> Iterator[None]:
        self._home.mkdir(parents=True, exist_ok=True)
        with (self._home / name).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _as(self, kind: type[Exception]) -> Iterator[None]:
        try:
            yield
        except (OSError, codec.Undecodable) as error:
            self._errors += 1
            raise kind(f"{type(error).__name__}: {error}") from error


def _place(move: Move) -> str:
    return f"{move.topic}/{move.partition}"


def _read_as(kind: type[T], path: Path) -> T | None:
    try:
        return codec.decode(kind, path.read_bytes())
    except FileNotFoundError:
        return None


def _replace(path: Path, value: object, modified: float | None = None) -> None:
    """Never half a file: written beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_bytes(codec.dumps(value))
    if modified is not None:
        os.utime(beside, (modified, modified))
    beside.replace(path)
