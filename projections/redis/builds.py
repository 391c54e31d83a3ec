"""The builds of the views in Redis."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from redis.exceptions import RedisError

from projections import build as builds
from projections.build import LIVE, Build
from projections.redis import scripts
from projections.redis.build import RedisBuild
from projections.redis.server import SCAN, Server, text
from projections.scope import Scope
from projections.sink import ProjectionRefused
from projections.view_builds import Overtaken
from projections.view_store import CHUNK, NAME, VERSION, Chat, of_topic
from schemas import codec

log = logging.getLogger(__name__)

_LEASE_SECONDS: Final = 3.0  # of who was killed, others wait for the end
_RENEW_SECONDS: Final = 0.7
_LOOK_SECONDS: Final = 0.05


class RedisBuilds:
    """As `ViewBuilds`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def live(self) -> RedisBuild:
        """As `ViewBuilds`."""
        name = await self._server.words(scripts.LIVE)
        return RedisBuild(self._server, name, is_live=True)

    def of(self, build: Build) -> RedisBuild:
        """As `ViewBuilds`."""
        return RedisBuild(self._server, build.name, is_live=False)

    async def all(self) -> list[Build]:
        """As `ViewBuilds`; what readers see is live, whatever a record says."""
        with self._server.writing():
            name = text(await self._server.run(scripts.LIVE))
            found = await self._server.client.hgetall(self._server.key("builds"))
        known = [
            builds.standing(codec.decode(Build, text(record).encode()), name)
            for record in found.values()
        ]
        if not any(build.state == LIVE for build in known):
            known.append(replace(builds.first(NAME, VERSION), name=name))
        return sorted(known, key=lambda build: (build.started_at, build.name))

    async def begin(self, name: str | None, scope: Scope, now: datetime) -> Build:
        """As `ViewBuilds`."""
        known = await self.all()
        with self._server.writing():
            dropped = await self._server.client.hkeys(self._server.key("dropped"))
        taken = [*(build.name for build in known), *map(text, dropped)]
        chosen = name or builds.next_name(taken)
        live = builds.named(known, LIVE, NAME)
        build = Build(
            projection=NAME,
            name=chosen,
            version=VERSION,
            state="filling",
            scope=scope,
            started_at=now,
        )
        word = await self._server.words(scripts.BEGIN, *_record(live), *_record(build))
        builds.refuse_taken(chosen, [chosen] if word else (), NAME)
        return build

    async def finish(self, build: Build, now: datetime) -> None:
        """As `ViewBuilds`."""
        stands = builds.named(await self.all(), build.name, NAME).ready(now)
        if await self._server.words(scripts.FINISH, *_record(stands)):
            raise ProjectionRefused(f"Build {build.name} of the views was dropped.")

    async def drop(self, name: str) -> None:
        """As `ViewBuilds`; one whose removal was interrupted is removed on."""
        with self._server.writing():
            is_begun = await self._server.client.hexists(self._server.key("dropped"), name)
        if not is_begun:
            build = builds.named(await self.all(), name, NAME)
            builds.refuse_live(build)
            if await self._server.words(scripts.DROP, *_record(build)):
                raise ProjectionRefused(f"Build {name} has become the live one meanwhile.")
        await self._erase(name)

    async def _erase(self, name: str) -> None:
        with self._server.writing():
            chunk: list[str] = []
            async for key in self._server.keys(name, ""):
                chunk.append(key)
                if len(chunk) == SCAN:
                    await self._server.client.unlink(*chunk)
                    chunk.clear()
            if chunk:
                await self._server.client.unlink(*chunk)
            await self._server.client.hdel(self._server.key("dropped"), name)

    async def positions(self, build: Build, topic: str) -> dict[int, int]:
        """As `ViewBuilds`."""
        with self._server.writing():
            found = await self._server.client.hgetall(self._server.key(build.name, "positions"))
        return of_topic({text(place): int(at) for place, at in found.items()}, topic)

    async def moved_at(self, build: Build) -> datetime | None:
        """As `ViewBuilds`."""
        with self._server.writing():
            found = await self._server.client.get(self._server.key(build.name, "moved"))
        return None if found is None else datetime.fromtimestamp(float(found), UTC)

    async def chats(self, build: Build) -> AsyncIterator[Sequence[Chat]]:
        """As `ViewBuilds`."""
        chunk: list[Chat] = []
        head = self._server.key(build.name, "person", "")
        with self._server.writing():
            async for key in self._server.keys(build.name, "person", ""):
                tenant, _, chat_id = key.removeprefix(head).rpartition(":")
                chunk.append((tenant, chat_id))
                if len(chunk) == CHUNK:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk

    @asynccontextmanager
    async def alone(self, build: Build) -> AsyncIterator[bool]:
        """As `ViewBuilds`."""
        async with _leased(self._server, f"fills:{build.name}") as token:
            yield token is not None

    @asynccontextmanager
    async def held(self) -> AsyncIterator["RedisHold"]:
        """As `ViewBuilds`."""
        async with _leased(self._server, "held") as token:
            if token is None:
                raise Overtaken("another promotion or comparison is under way")
            yield RedisHold(self._server, self, token)


class RedisHold:
    """As `Hold`."""

    def __init__(self, server: Server, known: RedisBuilds, token: str) -> None:
        self._server = server
        self._builds = known
        self._token = token

    async def promote(self, build: Build, now: datetime) -> Build:
        """As `Hold`."""
        live = builds.named(await self._builds.all(), LIVE, NAME)
        records = (
            *_record(replace(live, state="kept")),
            *_record(replace(build, state=LIVE, live_since=now)),
        )
        word = await self._server.words(scripts.PROMOTE, *records, self._token)
        if word:
            raise Overtaken(f"{live.name}, the live one, or {build.name}: {word}")
        return live

    async def assure(self) -> None:
        """As `Hold`."""
        with self._server.writing():
            holder = await self._server.client.get(self._server.key("held"))
        if holder is None or text(holder) != self._token:
            raise Overtaken("the live views could not be held for long enough")


@asynccontextmanager
async def _leased(server: Server, key: str) -> AsyncIterator[str | None]:
    """Who we are while the key is ours, None if it is another's who lives."""
    token, milliseconds = secrets.token_hex(8), int(_LEASE_SECONDS * 1000)
    if not await _taken(server, key, token, milliseconds):
        yield None
        return
    done = asyncio.Event()
    renewing = asyncio.create_task(_renewed(server, key, token, milliseconds, done))
    try:
        yield token
    finally:
        done.set()
        await renewing
        await server.words(scripts.RELEASE, key, token)


async def _taken(server: Server, key: str, token: str, milliseconds: int) -> bool:
    """Wait for as long as one who was killed would hold it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 1.2 * _LEASE_SECONDS
    while loop.time() < deadline:
        with server.writing():
            if await server.client.set(server.key(key), token, nx=True, px=milliseconds):
                return True
        await asyncio.sleep(_LOOK_SECONDS)
    return False


async def _renewed(
    server: Server, key: str, token: str, milliseconds: int, done: asyncio.Event
) -> None:
    """Until it is done; not until cancelled, which the client may take for an answer."""
    while not done.is_set():
        try:
            await server.run(scripts.RENEW, key, token, milliseconds)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("%s cannot be held any longer: %s", key, error)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), _RENEW_SECONDS)


def _record(build: Build) -> tuple[str, bytes]:
    return build.name, codec.dumps(build)
