"""Links to the files of messages, for those who may see them, each for a while."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

from chatfold.operations.lists import Lists, Unknown
from projections.queries import Found

LONGEST: Final = timedelta(days=7)
"""What S3's signatures allow (version 4)."""


class Storage(Protocol):
    """Where files are kept."""

    async def link(self, key: str, life: timedelta) -> str:
        """As `Blobs.link`."""


class Links:
    """Gives links to files."""

    def __init__(self, lists: Lists, storage: Storage, now: Callable[[], datetime]) -> None:
        self._lists = lists
        self._storage = storage
        self._now = now

    async def file(self, message_id: str, life: timedelta) -> Found | Unknown:
        """A message's file, its `url` and `thumbnail_url`, and until when they hold (`expires_at`).

        Raises `TablesAway`, and `Unavailable` while the storage gives no links.
        """
        found = await self._lists.file(message_id)
        if isinstance(found, Unknown):
            return found
        key, small = found.pop("key"), found.pop("thumbnail_key")
        return found | {
            "url": await self._storage.link(str(key), life),
            "thumbnail_url": await self._storage.link(str(small), life) if small else None,
            "expires_at": self._now() + life,
        }
