"""Another build of the views takes the place of the live one, in one step of the store."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

from projections.build import LIVE, Build, Promoted, named, refuse_partial
from projections.sink import ProjectionRefused
from projections.view_builds import Hold, Overtaken, ViewBuilds
from projections.view_store import NAME

T = TypeVar("T")

Advance = Callable[[Build, Mapping[int, int]], Awaitable[None]]
"""Reads on until the build's positions are these."""

log = logging.getLogger(__name__)

_ADVANCE_SECONDS: Final = 10.0  # while the live build stands still
_RETRY_SECONDS: Final = 0.2


async def promote(
    builds: ViewBuilds,
    topic: str,
    build: Build,
    advance: Advance,
    *,
    patience: timedelta,
    now: datetime,
) -> Promoted:
    """Make the build live and keep the one that was; raises `ProjectionRefused`."""

    async def swap(hold: Hold) -> Promoted:
        ready = named(await builds.all(), build.name, NAME)
        refuse_partial(ready)
        await bring_up(builds, topic, ready, advance)
        before = await hold.promote(ready, now)
        return Promoted(now=ready.name, before=before.name)

    return await holding(builds, swap, patience)


async def bring_up(builds: ViewBuilds, topic: str, build: Build, advance: Advance) -> None:
    """Let the build read what the live one has read; that one stands still meanwhile."""
    live = named(await builds.all(), LIVE, NAME)
    wanted = await builds.positions(live, topic)
    there = await builds.positions(build, topic)
    behind = {part: end for part, end in wanted.items() if there.get(part, 0) < end}
    if behind:
        try:
            await asyncio.wait_for(advance(build, behind), _ADVANCE_SECONDS)
        except TimeoutError:
            raise Overtaken(f"build {build.name} could not be brought up in time") from None


async def holding(
    builds: ViewBuilds, act: Callable[[Hold], Awaitable[T]], patience: timedelta
) -> T:
    """What `act` returns while the live build stands still; tried again as long as that fails."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience.total_seconds()
    while True:
        try:
            async with builds.held() as hold:
                return await act(hold)
        except Overtaken as error:
            if loop.time() > deadline:
                raise ProjectionRefused(
                    f"It could not be done within {patience}: {error}. Nothing was changed."
                ) from error
            log.info("gives way and tries again: %s", error)
        await asyncio.sleep(_RETRY_SECONDS)
