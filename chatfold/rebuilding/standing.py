"""Which builds there are, how far each is, and how fast."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chatfold.rebuilding.target import Target
from projections.build import Build
from projections.stretch import first_times, held

_SAMPLE_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A build as `list` shows it; `program` is the version that this program makes."""

    projection: str
    build: str
    state: str
    version: int
    program: int
    scope: str
    started_at: datetime
    ready_at: datetime | None
    live_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a build is; `position` is the sum of its offsets.

    `lag_seconds` is the age of the oldest record that is not in it, `heartbeat` when it last moved,
    `waiting` how many chats wait behind a fact that cannot be folded.
    """

    projection: str
    build: str
    state: str
    version: int
    position: int
    lag_records: int
    lag_seconds: float
    per_second: float
    heartbeat: datetime | None
    waiting: int


async def listed(target: Target) -> list[Listed]:
    """Every build, the live one too where nothing was ever rebuilt."""
    return [
        Listed(
            projection=build.projection,
            build=build.name,
            state=build.state,
            version=build.version,
            program=target.version,
            scope=str(build.scope),
            started_at=build.started_at,
            ready_at=build.ready_at,
            live_since=build.live_since,
        )
        for build in await target.builds()
    ]


async def standing(target: Target, now: datetime) -> list[Standing]:
    """How far every build is; takes a second, to see how fast."""
    known = await target.builds()
    before = [await target.positions(build) for build in known]
    await asyncio.sleep(_SAMPLE_SECONDS)
    ends = (await held(target.place)).end
    return [
        await _standing(target, build, then, ends, now)
        for build, then in zip(known, before, strict=True)
    ]


async def _standing(
    target: Target, build: Build, then: Mapping[int, int], ends: Mapping[int, int], now: datetime
) -> Standing:
    there = await target.positions(build)
    behind = {part: there.get(part, 0) for part, end in ends.items() if there.get(part, 0) < end}
    oldest = await first_times(target.place, behind)
    moved = sum(there.values()) - sum(then.values())
    return Standing(
        projection=build.projection,
        build=build.name,
        state=build.state,
        version=build.version,
        position=sum(there.values()),
        lag_records=sum(ends[part] - offset for part, offset in behind.items()),
        lag_seconds=max((max(0.0, now.timestamp() - at) for at in oldest), default=0.0),
        per_second=moved / _SAMPLE_SECONDS,
        heartbeat=await target.moved_at(build),
        waiting=len(await target.waiting(build)),
    )
