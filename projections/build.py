"""A build of a projection: all that it holds, made from one stretch of the log by one version."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from projections.scope import WHOLE, Scope
from projections.sink import ProjectionRefused

LIVE: Final = "live"
FIRST: Final = "v1"
"""What is called so that was there before the first rebuild."""

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERED: Final = re.compile("v([0-9]{1,6})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One build; `state` is filling, ready, live or kept."""

    projection: str
    name: str
    version: int
    state: str
    scope: Scope
    started_at: datetime
    ready_at: datetime | None = None
    live_since: datetime | None = None

    def ready(self, now: datetime) -> "Build":
        """The same, once it is filled."""
        is_filling = self.state == "filling"
        return replace(self, state="ready", ready_at=self.ready_at or now) if is_filling else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What is live now, and what was before."""

    now: str
    before: str


def first(projection: str, version: int, since: datetime = LONG_AGO) -> Build:
    """The live one, where nothing was ever rebuilt."""
    return Build(
        projection=projection,
        name=FIRST,
        version=version,
        state=LIVE,
        scope=WHOLE,
        started_at=since,
    )


def named(known: Iterable[Build], name: str, projection: str) -> Build:
    """The build of this name, or the live one; raises `ProjectionRefused`."""
    builds = list(known)
    for build in builds:
        if name in ({build.name, LIVE} if build.state == LIVE else {build.name}):
            return build
    told = ", ".join(build.name for build in builds) or "none yet"
    raise ProjectionRefused(
        f"There is no build {name} of projection {projection}; there are: {told}."
    )


def standing(build: Build, live: str) -> Build:
    """The build as it stands where `live` is what readers see, whatever was recorded."""
    if build.name == live:
        return replace(build, state=LIVE)
    return replace(build, state="kept") if build.state == LIVE else build


def next_name(taken: Iterable[str]) -> str:
    """The number after the highest that any build has."""
    numbers = [int(found[1]) for name in taken if (found := _NUMBERED.fullmatch(name))]
    return f"v{max(numbers, default=0) + 1}"


def refuse_taken(name: str, taken: Iterable[str], projection: str) -> None:
    """Raise `ProjectionRefused` if there is such a build already."""
    if name in taken:
        raise ProjectionRefused(
            f"There is a build {name} of projection {projection} already: choose another name, or"
            " drop it."
        )


def refuse_partial(build: Build) -> None:
    """Raise `ProjectionRefused` if the build is not one that readers could do with."""
    if build.state not in {"ready", "kept"}:
        raise ProjectionRefused(f"Build {build.name} is {build.state}, not ready.")
    if not build.scope.is_whole:
        raise ProjectionRefused(
            f"Build {build.name} holds a part of the log only ({build.scope}): readers would"
            " miss the rest."
        )


def refuse_live(build: Build) -> None:
    """Raise `ProjectionRefused` if the build cannot be dropped."""
    if build.state == LIVE:
        raise ProjectionRefused(f"Build {build.name} is live: only others can be dropped.")
