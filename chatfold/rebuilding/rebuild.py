"""A rebuild from its beginning, or from where it was stopped, to a build that can be promoted."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from chatfold import clock
from chatfold.rebuilding import asked as asking
from chatfold.rebuilding import shares
from chatfold.rebuilding import target as targets
from chatfold.rebuilding.asked import Asked
from chatfold.rebuilding.progress import Show, Watch
from chatfold.rebuilding.reading import Ends, Part
from chatfold.rebuilding.shares import Share
from chatfold.rebuilding.target import Target
from chatfold.refusal import Refusal
from projections.build import Build
from projections.scope import Scope
from projections.stretch import held

_NEAR: Final = 2_000  # offsets: less than a batch of the projector
_ROUNDS: Final = 20
_NAME: Final = re.compile("[a-z0-9_]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to rebuild and how: `into` names the build, `per_second` is the most records."""

    asked: Asked
    into: str | None = None
    processes: int = 1
    per_second: float | None = None


async def rebuild(target: Target, wanted: Wanted, show: Show, stop: asyncio.Event) -> Build:
    """The build, ready unless `stop` came first; the next call goes on with it."""
    if wanted.into is not None and not _NAME.fullmatch(wanted.into):
        raise Refusal(f"--into {wanted.into!r}: up to 16 of a-z, 0-9 and _, please")
    scope = await asking.scope(target.place, wanted.asked)
    async with _chosen(target, wanted, scope) as build:
        work = _Work(target, build, wanted, show, stop)
        await work.fill()
        if not stop.is_set():
            await work.index()
        if not stop.is_set():
            await work.catch_up()
        if not stop.is_set():
            await work.finish()
        return await targets.get(target, build.name)


@asynccontextmanager
async def _chosen(target: Target, wanted: Wanted, scope: Scope) -> AsyncIterator[Build]:
    """The build to work at; nobody else works at it meanwhile."""
    async with AsyncExitStack() as stack:
        yield await _taken(target, stack, wanted, scope)


async def _taken(target: Target, stack: AsyncExitStack, wanted: Wanted, scope: Scope) -> Build:
    for build in await target.builds():
        if build.state == "filling" and (wanted.into or build.name) == build.name:
            is_same = (build.scope, build.version) == (scope, target.version)
            if is_same and await stack.enter_async_context(target.alone(build)):
                return build
    build = await target.begin(wanted.into, scope, clock.now())
    if not await stack.enter_async_context(target.alone(build)):
        raise Refusal(f"build {build.name} is being filled by another process")
    return build


class _Work:
    """The steps; each may be done again and then does only what is missing."""

    def __init__(
        self, target: Target, build: Build, wanted: Wanted, show: Show, stop: asyncio.Event
    ) -> None:
        self._target = target
        self._build = build
        self._wanted = wanted
        self._watch = Watch(target, build, show)
        self._stop = stop
        self._ends: Ends = {}

    async def fill(self) -> None:
        """Read to what is the log's end by now, in as many processes as were asked for."""
        self._ends = await self._to_end()
        share = Share(
            projection=self._build.projection,
            build=self._build.name,
            ends=dict(self._ends),
            began_empty=not await self._positions(),
            per_second=self._wanted.per_second,
        )
        parts = shares.divided(share, self._wanted.processes)
        async with self._shown("fill"):
            await shares.fill_all(self._target, self._build, parts, self._stop)

    async def index(self) -> None:
        """Make the indexes, and tell the planner what the tables hold."""
        async with self._shown("index"):
            await self._target.index(self._build)
        async with self._shown("analyze"):
            await self._target.analyze(self._build)

    async def catch_up(self) -> None:
        """Read what came meanwhile, until little is left."""
        for _ in range(_ROUNDS):
            self._ends, there = await self._to_end(), await self._positions()
            behind = sum(end - there.get(part, first) for part, (first, end) in self._ends.items())
            async with self._shown("catch up"):
                await follow(self._target, self._build, self._ends, self._stop)
            if behind < _NEAR or self._stop.is_set():
                return

    async def finish(self) -> None:
        """Let it be promoted."""
        await self._target.finish(self._build, clock.now())
        await self._watch.look("ready", self._ends)

    async def _to_end(self) -> Ends:
        return await ends(self._target, self._build.scope)

    async def _positions(self) -> dict[int, int]:
        return await self._target.positions(self._build)

    @asynccontextmanager
    async def _shown(self, step: str) -> AsyncIterator[None]:
        done = asyncio.Event()
        showing = asyncio.create_task(self._watch.follow(step, self._ends, done))
        try:
            yield
        finally:
            done.set()
            await asyncio.gather(showing, return_exceptions=True)
        await self._watch.look(step, self._ends)


async def ends(target: Target, scope: Scope) -> Ends:
    """Of each partition, where the scope begins and where it ends by now."""
    log = await held(target.place)
    spans = {
        part: (scope.first.get(part, 0), min(end, scope.until.get(part, end)))
        for part, end in log.end.items()
    }
    return {part: (first, end) for part, (first, end) in spans.items() if first < end}


async def follow(target: Target, build: Build, to: Ends, stop: asyncio.Event) -> None:
    """Merge what comes up to there, as the projector does."""
    await target.fill(build, Part(ends=to), stop)
