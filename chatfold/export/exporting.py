"""An export that goes on where it was ended, whatever ended it, without a double.

Its state says what it is an export of; how far each source is, is kept beside it (`part.py`), so
that processes can share the sources. One export at a time writes to one place (`alone.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from chatfold.archive.storage import Storage
from chatfold.export.asked import Choice
from chatfold.export.part import Part, Position, Progress
from chatfold.export.shapes import Shape
from chatfold.refusal import Refusal

VERSION: Final = 2
"""1 kept all positions in the state itself; such an export is gone on with."""


class State(msgspec.Struct, kw_only=True):
    """What is exported, since when, and the files to be removed before it goes on.

    `positions`, `rows` and `files` are of version 1: where sources go on that are no further yet.
    """

    version: int
    choice: Choice
    began: datetime | None = None
    open: list[str] = []  # msgspec copies it
    finished: bool = False
    positions: dict[str, Position] = {}  # msgspec copies it
    rows: int = 0
    files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many rows are in how many files."""

    rows: int
    files: int


class Exporting:
    """One thing exported to one place; `now` is when it begins, if it has not begun before."""

    def __init__(
        self,
        storage: Storage,
        shape: Shape,
        choice: Choice,
        *,
        now: datetime,
        reach: Callable[[str], None],
    ) -> None:
        self._now = now
        self._reach = reach
        self.storage = storage
        self.shape = shape
        self.state = State(version=VERSION, choice=choice, began=now)

    async def resume(self) -> None:
        """Find out where it was, and remove what does not count; raises `Refusal`."""
        await self.join()
        await self._remove_open()

    async def join(self) -> None:
        """Find out what it is, as it was resumed; raises `Refusal`."""
        data = await self.storage.get(self._key)
        if data is not None:
            self.state = self._same(msgspec.json.decode(data, type=State))

    async def begin_anew(self) -> None:
        """Remove what is there of it."""
        name = self.shape.name
        files = await self.storage.keys(name)
        self.state.open = [*files, *await self.storage.keys(f"_export/{name}")]
        await self._save()
        self._reach("export-begun-anew")
        await self._remove_open()

    async def part(self, source: str) -> Part:
        """One of its sources where it was, without the files that do not count."""
        state = self.state
        part = Part(
            storage=self.storage,
            shape=self.shape,
            rows=state.choice.rows(state.began or self._now),
            key=f"_export/{self.shape.name}/{source}.json",
            progress=Progress(position=state.positions.get(source)),
            reach=self._reach,
        )
        await part.resume()
        return part

    async def written(self) -> Written:
        """What all its sources have written by now."""
        found = [
            msgspec.json.decode(await self.storage.get(key) or b"{}", type=Progress)
            for key in await self.storage.keys(f"_export/{self.shape.name}")
        ]
        return Written(
            rows=self.state.rows + sum(one.rows for one in found),
            files=self.state.files + sum(one.files for one in found),
        )

    async def finish(self) -> None:
        """Remember that all there was is there."""
        self.state.finished = True
        await self._save()

    def _same(self, found: State) -> State:
        where, wanted = self.storage.where, self.state.choice
        if found.version > VERSION:
            raise Refusal(f"{where} holds an export of {self.shape.name} by a newer Chatfold.")
        if found.choice != wanted:
            raise Refusal(
                f"{where} holds an export of {self.shape.name} that was begun otherwise"
                f" ({_words(found.choice)}). Go on with the same options, or take another place,"
                " or begin anew with --again."
            )
        found.version = VERSION
        return found

    async def _remove_open(self) -> None:
        """Before anything is written: it comes again under the same names."""
        for key in self.state.open:
            await self.storage.delete(key)
        self.state.open = []
        await self._save()

    async def _save(self) -> None:
        await self.storage.put(self._key, msgspec.json.encode(self.state))

    @property
    def _key(self) -> str:
        return f"_export/{self.shape.name}.json"


def _words(choice: Choice) -> str:
    told: Sequence[tuple[str, object]] = sorted(msgspec.structs.asdict(choice).items())
    return ", ".join(f"{name} {value}" for name, value in told if value is not None)
