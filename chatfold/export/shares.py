"""Partitions of a log shared out to processes; each exports its own to their ends."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import KafkaError

from chatfold import standing
from chatfold.archive import reading
from chatfold.archive.reading import LogReader
from chatfold.archive.segments import Damaged
from chatfold.archive.storage import Storage, StorageUnavailable
from chatfold.export import part, sources
from chatfold.export.asked import Choice
from chatfold.export.exporting import Exporting
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from chatfold.sharing import Elsewhere, Ends
from schemas import codec
from schemas.topics import Topics
from schemas.value import Value

LARGE: Final = 200_000
"""Offsets from which on a second process is worth its start."""

Reached = Callable[[int, int], None]
"""Is told a partition, and how far of it is exported."""


class Share(Value, frozen=True, kw_only=True):
    """What one process exports to where; how is in the state that is there."""

    what: str
    where: str
    choice: Choice
    ends: dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A log that is exported: by what it is read, and by what it is written."""

    settings: Settings
    reader: LogReader
    exporting: Exporting

    @property
    def topic(self) -> str:
        """Its name in Kafka."""
        return str(getattr(Topics(self.settings.topic_prefix), self.exporting.shape.name))

    async def export(self, ends: Ends, reached: Reached, stop: asyncio.Event) -> None:
        """Do a share in this process, until its end or `stop`."""
        parts = {str(number): await self.exporting.part(str(number)) for number in ends}
        pieces = sources.of_log(self.reader, self.topic, self.exporting.shape, ends)
        async for piece in part.written(pieces, parts, stop):
            assert isinstance(piece.after, int)
            reached(int(piece.source), piece.after)


@asynccontextmanager
async def opened(settings: Settings, exporting: Exporting) -> AsyncIterator[Log]:
    """The log, with a connection to Kafka of its own."""
    async with reading.opened(settings.bootstrap, standing.archive(settings)) as reader:
        yield Log(settings=settings, reader=reader, exporting=exporting)


async def export_all(
    log: Log, shares: Sequence[Ends], reached: Reached, stop: asyncio.Event, *, lock: int
) -> None:
    """Do the first share here and the others in processes of their own, which hold the lock too.

    What ends one ends all, and is raised.
    """
    elsewhere = Elsewhere(
        module="chatfold.export.process",
        of="the export",
        settings=log.settings,
        hear=lambda line: reached(*codec.decode(tuple[int, int], line)),
        keeps=(lock,),
    )
    try:
        async with asyncio.TaskGroup() as group:
            for ends in shares[1:]:
                group.create_task(elsewhere.do(_share(log.exporting, ends), stop))
            for ends in shares[:1]:
                group.create_task(log.export(ends, reached, stop))
    except* (Refusal, StorageUnavailable, Damaged, KafkaError) as refused:
        raise refused.exceptions[0] from None


def processes(asked: int | None, offsets: int) -> int:
    """As many as were asked for; else one, or two for what takes one of them long."""
    return asked or (min(2, os.cpu_count() or 1) if offsets >= LARGE else 1)


@contextmanager
def explained(storage: Storage) -> Iterator[None]:
    """Turn what stands in the way into a `Refusal`."""
    try:
        yield
    except StorageUnavailable as error:
        raise Refusal(f"{storage.where} cannot be used: {error}. Run it again to go on.") from None
    except Damaged as error:
        raise Refusal(f"The archive is damaged: {error}.") from None


def _share(exporting: Exporting, ends: Ends) -> Share:
    return Share(
        what=exporting.shape.name,
        where=exporting.storage.where,
        choice=exporting.state.choice,
        ends=dict(ends),
    )
