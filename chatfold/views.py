"""The store of active views that the settings name: Redis, or JSON files."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from chatfold import clock
from chatfold.settings import Settings
from projections import json_files, redis
from projections.json_files import JsonFileViews
from projections.redis import RedisViews
from schemas.content import Json

FILES = "file:"

Store = RedisViews | JsonFileViews


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store, while the block runs; nothing is asked of it yet."""
    lifetime = timedelta(hours=settings.view_ttl_hours)
    store: Store
    if settings.views.startswith(FILES):
        home = json_files.folder(settings.views, settings.view_prefix)
        store = JsonFileViews(home, lifetime, clock=clock.now)
    else:
        client = redis.connect(settings.views)
        store = RedisViews(client, settings.view_prefix, lifetime, clock=clock.now)
    try:
        yield store
    finally:
        await store.close()


class Stats:
    """What the assistant asks of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def view_stats(self) -> Json:
        """Whether it is reachable, and what it counted."""
        return dict(await self._store.stats())
