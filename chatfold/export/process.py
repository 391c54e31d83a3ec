"""`python -m chatfold.export.process`: one process of an export, told on its input what to do.

When its input ends it stops after the piece in flight: so it never outlives whoever began it. It
prints each partition with how far it is. Its failpoints begin with `child-`.
"""

import sys
from pathlib import Path

import uvloop
from aiokafka.errors import KafkaError

from chatfold import clock, collector, failpoints, settings, sharing
from chatfold.archive import storage as storages
from chatfold.export import arrow, shares
from chatfold.export.exporting import Exporting
from chatfold.export.shapes import SHAPES
from chatfold.export.shares import Share
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas import codec


async def main(chosen: Settings, share: Share) -> None:
    """Do the share; raises `Refusal`."""
    storage = storages.opened(share.where, Path(), named_by="--to")
    exporting = Exporting(
        storage, SHAPES[share.what], share.choice, now=clock.now(), reach=_reach()
    )
    with shares.explained(storage):
        await exporting.join()
        async with shares.opened(chosen, exporting) as log, sharing.until_let_go() as stop:
            await log.export(share.ends, _told, stop)


def _reach() -> failpoints.Reach:
    whole = failpoints.from_environment()
    return lambda point: whole(f"child-{point}")


def _told(partition: int, reached: int) -> None:
    sys.stdout.buffer.write(codec.dumps((partition, reached)) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    arrow.spare()
    collector.relax()
    try:
        uvloop.run(main(settings.load(), sharing.told(Share)))
    except Refusal as refused:
        sys.exit(str(refused))
    except KafkaError as error:
        sys.exit(f"Kafka cannot be used ({error!r})")
