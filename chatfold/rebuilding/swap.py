"""Promote, roll back, and drop: which build is the live one."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from chatfold.rebuilding import target as targets
from chatfold.rebuilding.diff import advanced
from chatfold.rebuilding.rebuild import ends, follow
from chatfold.rebuilding.target import Target
from chatfold.refusal import Refusal
from projections.build import Build, Promoted


async def promote(target: Target, name: str | None, patience: timedelta) -> Promoted:
    """Make the named build live, or the newest that is ready."""
    return await _swap(target, await _find(target, name, "ready", "rebuild"), patience)


async def roll_back(target: Target, name: str | None, patience: timedelta) -> Promoted:
    """Make the named build live again, or the one that was live before."""
    return await _swap(target, await _find(target, name, "kept", "promote"), patience)


async def drop(target: Target, names: Sequence[str]) -> list[str]:
    """Remove these builds, or all but the live one; returns which."""
    if names:
        chosen = [await targets.get(target, name) for name in names]
    else:
        chosen = [build for build in await target.builds() if build.state == "kept"]
    for build in chosen:
        await target.drop(build)
    return [build.name for build in chosen]


async def _find(target: Target, name: str | None, state: str, before: str) -> Build:
    if name is not None:
        return await targets.get(target, name)
    known = [one for one in await target.builds() if one.state == state]
    if not known:
        raise Refusal(
            f"no build of {target.name} is {state}: `chatfold projections {before}"
            f" {target.name}` makes one"
        )
    return max(known, key=lambda one: one.live_since or one.ready_at or one.started_at)


async def _swap(target: Target, build: Build, patience: timedelta) -> Promoted:
    """Most of what is missing is read before anybody has to wait."""
    is_ours = build.version == target.version
    if is_ours and build.state in {"ready", "kept"} and build.scope.is_whole:
        await follow(target, build, await ends(target, build.scope), asyncio.Event())
    return await target.promote(build, partial(advanced, target), patience)
