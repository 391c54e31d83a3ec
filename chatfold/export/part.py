"""One source of an export: a partition of a log, or the rows of a table; one process writes it.

Before files are written its progress names them, afterwards it counts them: those it names without
counting are removed first when the export goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from chatfold.archive.storage import Storage
from chatfold.export.shapes import Shape

if TYPE_CHECKING:
    import pyarrow as pa

Position = int | list[str]

ENDINGS: Final = {"parquet": "parquet", "jsonl": "jsonl.gz"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Which rows are wanted and how; of times those from `since` on and before `until`."""

    format: str
    tenant: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Progress(msgspec.Struct, kw_only=True):
    """How far a source is, what was written of it, and the files that do not count yet."""

    position: Position | None = None
    open: list[str] = []  # msgspec copies it
    rows: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows of one source, named apart from all others; `after` is the position behind them."""

    source: str
    name: str
    after: Position
    table: "pa.Table"


@dataclass(slots=True, kw_only=True)
class Part:
    """A source and how far it is; `key` is where that is kept."""

    storage: Storage
    shape: Shape
    rows: Rows
    key: str
    progress: Progress
    reach: Callable[[str], None]

    async def resume(self) -> None:
        """Find out how far it is, and remove what was begun and does not count.

        The files stay named as open, which does no harm: before others are written those are.
        """
        data = await self.storage.get(self.key)
        if data is not None:
            self.progress = msgspec.json.decode(data, type=Progress)
        for key in self.progress.open:
            await self.storage.delete(key)

    async def write(self, piece: Piece) -> None:
        """Have the rows of the piece that are wanted in files, and count them."""
        rows, files = await asyncio.to_thread(self._files, piece)
        self.progress.open = list(files)
        await self._save()
        self.reach("export-announced")
        for key, data in files.items():
            await self.storage.put(key, data)
            self.reach("export-file-written")
        self.progress.position = piece.after
        self.progress.open = []
        self.progress.rows += rows
        self.progress.files += len(files)
        await self._save()

    def _files(self, piece: Piece) -> tuple[int, dict[str, bytes]]:
        from chatfold.export import rendering  # noqa: PLC0415  # Arrow is in an extra

        ending = ENDINGS[self.rows.format]
        named = {
            f"{self.shape.name}/{folder}/{piece.name}.{ending}": (part, data)
            for folder, part, data in rendering.parts(self.shape, self.rows, piece.table)
        }
        return sum(rows for rows, _ in named.values()), {k: data for k, (_, data) in named.items()}

    async def _save(self) -> None:
        await self.storage.put(self.key, msgspec.json.encode(self.progress))


async def written(
    pieces: AsyncIterator[Piece], parts: Mapping[str, Part], stop: asyncio.Event
) -> AsyncIterator[Piece]:
    """Each piece, once it counts; the next is read meanwhile. Ends early at `stop`."""
    coming = asyncio.ensure_future(anext(pieces, None))
    stopping: asyncio.Future[bool] = asyncio.ensure_future(_set(stop))
    try:
        while (piece := await _first(coming, stopping)) is not None:
            coming = asyncio.ensure_future(anext(pieces, None))
            await parts[piece.source].write(piece)
            yield piece
    finally:
        coming.cancel()
        stopping.cancel()
        await asyncio.gather(coming, stopping, return_exceptions=True)


async def _first(
    coming: asyncio.Future[Piece | None], stopping: asyncio.Future[bool]
) -> Piece | None:
    both: tuple[asyncio.Future[Piece | None] | asyncio.Future[bool], ...] = (coming, stopping)
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    return None if stopping.done() else coming.result()


async def _set(stop: asyncio.Event) -> bool:
    return await stop.wait()
