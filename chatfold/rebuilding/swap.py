"""Promote, roll back, and drop: which build is the live one."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from chatfold import clock
from chatfold.rebuilding.rebuild import ends, follow
from chatfold.rebuilding.target import Target
from chatfold.refusal import Refusal
from projections.builds import Build
from projections.promotion import Promoted, Promotion


async def promote(target: Target, name: str | None, patience: timedelta) -> Promoted:
    """Make the named build live, or the newest that is ready."""
    return await _swap(target, await _find(target, name, "ready", "rebuild"), patience)


async def roll_back(target: Target, name: str | None, patience: timedelta) -> Promoted:
    """Make the named build live again, or the one that was live before."""
    return await _swap(target, await _find(target, name, "kept", "promote"), patience)


async def drop(target: Target, names: Sequence[str]) -> list[str]:
    """Remove these builds, or all but the live one; returns which."""
    async with target.pool.acquire() as connection:
        if names:
            chosen = [await target.builds.get(connection, name) for name in names]
        else:
            known = await target.builds.all(connection)
            chosen = [build for build in known if build.state == "kept"]
        for build in chosen:
            await target.builds.drop(connection, build)
    return [build.name for build in chosen]


async def _find(target: Target, name: str | None, state: str, before: str) -> Build:
    async with target.pool.acquire() as connection:
        if name is not None:
            return await target.builds.get(connection, name)
        known = [one for one in await target.builds.all(connection) if one.state == state]
    if not known:
        raise Refusal(
            f"no build of {target.projection.name} is {state}: `chatfold projections {before}"
            f" {target.projection.name}` makes one"
        )
    return max(known, key=lambda one: one.live_since or one.ready_at or one.started_at)


async def _swap(target: Target, build: Build, patience: timedelta) -> Promoted:
    """Most of what is missing is read before anybody has to wait."""
    never = asyncio.Event()

    async def advance(behind: Build, to: Mapping[int, int]) -> None:
        await follow(target, behind, {part: (0, end) for part, end in to.items()}, never)

    promotion = Promotion(
        target.pool, target.builds, target.place.topic, advance, patience=patience
    )
    is_ours = build.version == target.projection.version
    if is_ours and build.state in {"ready", "kept"} and build.scope.is_whole:
        await follow(target, build, await ends(target, build.scope), never)
    return await promotion.promote(build, clock.now())
