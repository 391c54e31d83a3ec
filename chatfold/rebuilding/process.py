"""`python -m chatfold.rebuilding.process`: one process of a rebuild, told on its input what to do.

When its input ends it stops after the batch in flight: so it never outlives whoever began it.
"""

import asyncio
import sys

import uvloop

from chatfold import collector, settings
from chatfold.rebuilding import shares, targets
from chatfold.rebuilding import target as known
from chatfold.rebuilding.shares import Share
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.sink import ProjectionRefused
from schemas import codec


async def main(chosen: Settings, share: Share) -> None:
    """Do the share."""
    stop = asyncio.Event()
    async with targets.opened(chosen, share.projection) as opened:
        build = await known.get(opened, share.build)
        watching = asyncio.create_task(_stop_with_input(stop))
        await shares.fill(opened, build, share, stop)
        watching.cancel()


async def _stop_with_input(stop: asyncio.Event) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    await reader.read()
    stop.set()


if __name__ == "__main__":
    collector.relax()
    try:
        uvloop.run(main(settings.load(), codec.decode(Share, sys.stdin.buffer.readline())))
    except (Refusal, ProjectionRefused) as refused:
        sys.exit(str(refused))
