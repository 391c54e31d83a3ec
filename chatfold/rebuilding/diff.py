"""Two builds compared where both are equally far."""

import asyncio
from functools import partial

from chatfold.rebuilding import target as targets
from chatfold.rebuilding.rebuild import follow
from chatfold.rebuilding.target import Difference, Positions, Target
from projections.build import Build


async def diff(
    target: Target, first: str, second: str, *, catches_up: bool, limit: int
) -> Difference:
    """The builds at one moment; with `catches_up` the other is first as far as the live one.

    Raises `Refusal` if that takes too long.
    """
    both = [await targets.get(target, name) for name in (first, second)]
    advance = partial(advanced, target) if catches_up else None
    return await target.diff(both, advance, limit=limit)


async def advanced(target: Target, build: Build, to: Positions) -> None:
    """Read on until the build's positions are these."""
    spans = {part: (0, end) for part, end in to.items()}
    await follow(target, build, spans, asyncio.Event())
