"""What readers see: the live build, found anew with every call."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from projections.active_chat import ActiveChat
from projections.redis import scripts
from projections.redis.builds import RedisBuilds
from projections.redis.server import Server, several
from projections.view_store import (
    HOPS,
    Stats,
    ViewsUnavailable,
    is_active,
    read_kept,
    read_view,
    told,
)

if TYPE_CHECKING:
    from redis.asyncio import Redis


class RedisViews:
    """The views under one prefix; `builds` is for those who write."""

    def __init__(
        self, client: "Redis", prefix: str, lifetime: timedelta, *, clock: Callable[[], datetime]
    ) -> None:
        self._server = Server(client, prefix, lifetime)
        self._clock = clock
        self.builds = RedisBuilds(self._server)

    async def get(self, tenant: str, chat_id: str) -> ActiveChat | None:
        """The view of the chat, or of the one that goes on for it, None if it is not active.

        Raises `ViewsUnavailable`.
        """
        goes_on = chat_id
        for _ in range(HOPS):
            with self._server.reading():
                view, person = several(await self._server.run(scripts.LOAD, "", tenant, goes_on))
                await self._server.report_errors()
            if view:
                return self._shown(read_view(view))
            into = read_kept(person).merged_into if person else None
            if into is None:
                break
            goes_on = into
        return None

    async def active(self, tenant: str, limit: int = 50) -> list[ActiveChat]:
        """The tenant's active chats, the latest first; raises `ViewsUnavailable`."""
        with self._server.reading():
            found = await self._server.run(scripts.ACTIVE, "", tenant, self._since(), limit)
        read = map(self._shown, map(read_view, several(found)))
        return [view for view in read if view is not None]

    async def stats(self) -> Stats:
        """What all processes have counted; never raises."""
        try:
            with self._server.reading():
                await self._server.report_errors()
                found = await self._server.run(scripts.STATS, "", self._since())
        except ViewsUnavailable:
            return {"reachable": False, "errors": self._server.errors}
        operations, hits, misses, errors, chats = map(int, several(found))
        return told(
            reachable=True,
            operations=operations,
            hits=hits,
            misses=misses,
            errors=errors,
            active_chats=chats,
        )

    async def close(self) -> None:
        """End the connections."""
        await self._server.client.aclose()

    def _shown(self, view: ActiveChat) -> ActiveChat | None:
        return view if is_active(view, self._server.lifetime, self._clock()) else None

    def _since(self) -> float:
        return (self._clock() - self._server.lifetime).timestamp()
