"""`python -m chatfold.rebuilding.process`: one process of a rebuild, told on its input what to do.

When its input ends it stops after the batch in flight: so it never outlives whoever began it.
"""

import sys

import uvloop

from chatfold import collector, settings, sharing
from chatfold.rebuilding import shares, targets
from chatfold.rebuilding import target as known
from chatfold.rebuilding.shares import Share
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.sink import ProjectionRefused


async def main(chosen: Settings, share: Share) -> None:
    """Do the share."""
    async with targets.opened(chosen, share.projection) as opened:
        build = await known.get(opened, share.build)
        async with sharing.until_let_go() as stop:
            await shares.fill(opened, build, share, stop)


if __name__ == "__main__":
    collector.relax()
    try:
        uvloop.run(main(settings.load(), sharing.told(Share)))
    except (Refusal, ProjectionRefused) as refused:
        sys.exit(str(refused))
