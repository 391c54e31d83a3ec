"""Partitions shared out to processes; each process fills its own to their ends."""

import asyncio
from collections.abc import Sequence

from chatfold import sharing
from chatfold.rebuilding.reading import Part
from chatfold.rebuilding.target import Target
from chatfold.refusal import Refusal
from chatfold.sharing import Elsewhere
from projections.build import Build
from projections.gathering import MOST_ROWS
from projections.sink import ProjectionRefused
from schemas.value import Value


class Share(Value, frozen=True, kw_only=True):
    """What one process does; `most_rows` are those it gathers, all processes as many as one."""

    projection: str
    build: str
    ends: dict[int, tuple[int, int]]
    began_empty: bool
    per_second: float | None = None
    most_rows: int = MOST_ROWS


def divided(share: Share, processes: int) -> list[Share]:
    """The share in parts that are about as long, none empty."""
    chosen = sharing.divided(share.ends, processes)
    pace = share.per_second / len(chosen) if share.per_second and chosen else None
    return [
        Share(
            projection=share.projection,
            build=share.build,
            ends=part,
            began_empty=share.began_empty,
            per_second=pace,
            most_rows=MOST_ROWS // len(chosen),
        )
        for part in chosen
    ]


async def fill(target: Target, build: Build, share: Share, stop: asyncio.Event) -> None:
    """Do the share in this process, until its end or `stop`."""
    part = Part(
        ends=share.ends,
        began_empty=share.began_empty,
        per_second=share.per_second,
        most_rows=share.most_rows,
    )
    await target.fill(build, part, stop)


async def fill_all(
    target: Target, build: Build, shares: Sequence[Share], stop: asyncio.Event
) -> None:
    """Do the first share here and the others in processes of their own.

    What ends one ends all, and is raised.
    """
    module = "chatfold.rebuilding.process"
    elsewhere = Elsewhere(module=module, of="the rebuild", settings=target.settings)
    try:
        async with asyncio.TaskGroup() as group:
            for share in shares[1:]:
                group.create_task(elsewhere.do(share, stop))
            if shares:
                group.create_task(fill(target, build, shares[0], stop))
    except* (ProjectionRefused, Refusal) as refused:
        raise refused.exceptions[0] from None
