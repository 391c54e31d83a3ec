"""Partitions shared out to processes; each process fills its own to their ends."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from chatfold import settings
from chatfold.rebuilding.reading import Part
from chatfold.rebuilding.target import Target
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.build import Build
from projections.gathering import MOST_ROWS
from projections.sink import ProjectionRefused
from schemas import codec
from schemas.value import Value

_TOLD_BYTES: Final = 4000
_END_SECONDS: Final = 30.0


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
    longest = sorted(share.ends, key=lambda part: share.ends[part][0] - share.ends[part][1])
    parts: list[dict[int, tuple[int, int]]] = [{} for _ in range(processes)]
    for partition in longest:
        least = min(parts, key=lambda part: sum(end - first for first, end in part.values()))
        least[partition] = share.ends[partition]
    chosen = [part for part in parts if part]
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
    try:
        async with asyncio.TaskGroup() as group:
            for share in shares[1:]:
                group.create_task(_elsewhere(target.settings, share, stop))
            if shares:
                group.create_task(fill(target, build, shares[0], stop))
    except* (ProjectionRefused, Refusal) as refused:
        raise refused.exceptions[0] from None


async def _elsewhere(chosen: Settings, share: Share, stop: asyncio.Event) -> None:
    """Raises `Refusal` with what the process told if it fails."""
    async with _process(chosen, share) as process:
        telling = asyncio.create_task(_last_words(process))
        ending = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        _let_go(process)
        await asyncio.wait_for(ending, _END_SECONDS)
        told = await telling
    if process.returncode:
        raise Refusal(f"a process of the rebuild ended with {process.returncode}: {told}")


@asynccontextmanager
async def _process(chosen: Settings, share: Share) -> AsyncIterator[asyncio.subprocess.Process]:
    """It ends when its input does, however we end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatfold.rebuilding.process"),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=_environment(chosen),
    )
    try:
        if process.stdin is not None:
            process.stdin.write(codec.dumps(share) + b"\n")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _let_go(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()


async def _last_words(process: asyncio.subprocess.Process) -> str:
    told = b""
    if process.stderr is not None:
        while line := await process.stderr.read(_TOLD_BYTES):
            told = (told + line)[-_TOLD_BYTES:]
    return told.decode(errors="replace").strip()


def _environment(chosen: Settings) -> dict[str, str]:
    return {**os.environ, **settings.environment(chosen)}
