"""What readers see: the live build, found anew with every call."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from projections.active_chat import ActiveChat
from projections.json_files.builds import JsonBuilds
from projections.json_files.folder import ChatFile, Folder, read_as
from projections.view_store import HOPS, Chat, Stats, ViewsUnavailable, is_active, told


class JsonFileViews:
    """The views in one folder; `builds` is for those who write."""

    def __init__(self, root: Path, lifetime: timedelta, *, clock: Callable[[], datetime]) -> None:
        self._folder = Folder(root, lifetime)
        self._clock = clock
        self.builds = JsonBuilds(self._folder)

    async def get(self, tenant: str, chat_id: str) -> ActiveChat | None:
        """The view of the chat, or of the one that goes on for it, None if it is not active.

        Raises `ViewsUnavailable`.
        """
        with self._folder.telling(ViewsUnavailable):
            return await asyncio.to_thread(self._get, (tenant, chat_id))

    async def active(self, tenant: str, limit: int = 50) -> list[ActiveChat]:
        """The tenant's active chats, the latest first; raises `ViewsUnavailable`."""
        with self._folder.telling(ViewsUnavailable):
            return await asyncio.to_thread(self._active, tenant, limit)

    async def stats(self) -> Stats:
        """What all processes have counted; never raises."""
        try:
            with self._folder.telling(ViewsUnavailable):
                return await asyncio.to_thread(self._stats)
        except ViewsUnavailable:
            return {"reachable": False, "errors": self._folder.errors}

    async def close(self) -> None:
        """Nothing is held open."""

    def _get(self, chat: Chat) -> ActiveChat | None:
        view = self._shown(self._folder.at_rest(lambda build: self._goes_on(build, chat)))
        self._folder.count(operations=1, hits=int(view is not None), misses=int(view is None))
        return view

    def _goes_on(self, build: str, chat: Chat) -> ChatFile | None:
        file = self._folder.read(build, chat)
        for _ in range(HOPS):
            if file is None or file.kept.merged_into is None:
                return file
            file = self._folder.read(build, (chat[0], file.kept.merged_into))
        return None

    def _active(self, tenant: str, limit: int) -> list[ActiveChat]:
        views = self._folder.at_rest(lambda build: self._latest(build, tenant))
        self._folder.count(operations=1)
        return views[:limit]

    def _latest(self, build: str, tenant: str) -> list[ActiveChat]:
        """By the time of the files, which is that of the last activity."""
        dated = [
            (modified, file)
            for file in self._folder.files(build, tenant)
            if (modified := _modified(file))
        ]
        shown = (self._shown(read_as(ChatFile, file)) for _, file in sorted(dated, reverse=True))
        return [view for view in shown if view is not None]

    def _stats(self) -> Stats:
        errors, self._folder.errors = self._folder.errors, 0
        self._folder.count(errors=errors)
        counts = self._folder.counts()
        return told(
            reachable=True,
            operations=counts.operations,
            hits=counts.hits,
            misses=counts.misses,
            errors=counts.errors,
            active_chats=self._folder.at_rest(self._chats),
        )

    def _chats(self, build: str) -> int:
        since = (self._clock() - self._folder.lifetime).timestamp()
        return sum(_modified(file) > since for file in self._folder.files(build))

    def _shown(self, file: ChatFile | None) -> ActiveChat | None:
        if file is None or file.view is None:
            return None
        return file.view if is_active(file.view, self._folder.lifetime, self._clock()) else None


def _modified(file: Path) -> float:
    """0 for one that has gone with its build."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
