"""An export that goes on where it was ended, whatever ended it, without a double.

Before files are written the state names them, afterwards it counts them: those it names without
counting are removed first when the export goes on. One export at a time writes to one place.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from chatfold.archive.storage import Storage
from chatfold.export.shapes import Shape
from chatfold.refusal import Refusal

if TYPE_CHECKING:
    import pyarrow as pa

Position = int | list[str]

VERSION: Final = 1
ENDINGS: Final = {"parquet": "parquet", "jsonl": "jsonl.gz"}


class Format(StrEnum):
    """How files are written."""

    PARQUET = "parquet"
    JSONL = "jsonl"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows, and how; an export that goes on must be told the same."""

    format: str
    tenant: str | None = None
    since: str | None = None
    until: str | None = None


class State(msgspec.Struct, kw_only=True):
    """How far an export is: a position for each source, and the files that do not count yet."""

    version: int
    choice: Choice
    positions: dict[str, Position] = {}  # msgspec copies it
    open: list[str] = []  # msgspec copies it
    rows: int = 0
    files: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows of one source, named apart from all others; `after` is the position behind them."""

    source: str
    name: str
    after: Position
    table: "pa.Table"


class Exporting:
    """One thing exported to one place."""

    def __init__(
        self, storage: Storage, shape: Shape, choice: Choice, reach: Callable[[str], None]
    ) -> None:
        self._storage = storage
        self._shape = shape
        self._reach = reach
        self.state = State(version=VERSION, choice=choice)

    async def resume(self) -> None:
        """Find out where it was, and remove what was begun; raises `Refusal`."""
        data = await self._storage.get(self._key)
        if data is None:
            return
        found = msgspec.json.decode(data, type=State)
        if found.version != VERSION or found.choice != self.state.choice:
            raise Refusal(
                f"{self._storage.where} holds an export of {self._shape.name} that was begun"
                f" otherwise ({_words(found.choice)}). Go on with the same options, or take"
                " another place, or begin anew with --again."
            )
        self.state = found
        await self._remove_open()

    async def begin_anew(self) -> None:
        """Remove what is there of it."""
        self.state.open = await self._storage.keys(self._shape.name)
        await self._save()
        self._reach("export-begun-anew")
        await self._remove_open()

    async def take(self, pieces: AsyncIterator[Piece]) -> AsyncIterator[int]:
        """Write piece after piece, the next being read meanwhile; yields the rows of each."""
        coming = asyncio.ensure_future(anext(pieces, None))
        try:
            while (piece := await coming) is not None:
                coming = asyncio.ensure_future(anext(pieces, None))
                yield await self._write(piece)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def finish(self) -> None:
        """Remember that all there was is there."""
        self.state.finished = True
        await self._save()

    async def _remove_open(self) -> None:
        for key in self.state.open:
            await self._storage.delete(key)
        self.state.open = []

    async def _write(self, piece: Piece) -> int:
        rows, files = await asyncio.to_thread(self._files, piece)
        self.state.open = list(files)
        await self._save()
        self._reach("export-announced")
        for key, data in files.items():
            await self._storage.put(key, data)
            self._reach("export-file-written")
        self.state.positions[piece.source] = piece.after
        self.state.open = []
        self.state.rows += rows
        self.state.files += len(files)
        await self._save()
        return rows

    def _files(self, piece: Piece) -> tuple[int, dict[str, bytes]]:
        from chatfold.export import rendering  # noqa: PLC0415  # Arrow is in an extra

        parts = rendering.parts(self._shape, self.state.choice, piece.table)
        ending = ENDINGS[self.state.choice.format]
        named = {
            f"{self._shape.name}/{folder}/{piece.name}.{ending}": (part, data)
            for folder, part, data in parts
        }
        return sum(rows for rows, _ in named.values()), {k: data for k, (_, data) in named.items()}

    async def _save(self) -> None:
        await self._storage.put(self._key, msgspec.json.encode(self.state))

    @property
    def _key(self) -> str:
        return f"_export/{self._shape.name}.json"


def _words(choice: Choice) -> str:
    told: Sequence[tuple[str, object]] = sorted(msgspec.structs.asdict(choice).items())
    return ", ".join(f"{name} {value}" for name, value in told if value is not None)
