"""The whole tables in memory, one write after another: what `verify` holds the real ones to.

It shares the projection's `evolve`, and nothing of how batches are folded, staged and merged.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from projections.claims import COLUMN as CLAIMED
from projections.in_memory import MemoryTables, Row
from projections.rows import Cell, Key, Write
from projections.sink import Move
from projections.tables import Table
from schemas.envelope import Recorded
from schemas.facts import Fact

_CHATS = "chats"


class NaiveTables(MemoryTables):
    """Some tables of a projection, with what rows look up and whose a platform id is.

    `sees` says which facts count.
    """

    def __init__(
        self,
        tables: Iterable[Table],
        evolve: Callable[[Recorded[Fact]], Iterable[Write]],
        sees: Callable[[Recorded[Fact]], bool],
    ) -> None:
        super().__init__(tables)
        self._evolve = evolve
        self._sees = sees
        self._claims: dict[tuple[Cell, Cell], Key] = {}

    def fold(self, recorded: Recorded[Fact]) -> None:
        """What one fact does."""
        if self._sees(recorded):
            writes = self._evolve(recorded)
            self.apply(write for write in writes if write.table in self._tables)

    def _change(self, row: Row, write: Write) -> None:
        table, is_new = self._tables[write.table], "last_seq" not in row
        super()._change(row, write)
        if table.has_totals:
            return
        row["last_seq"] = write.sequence
        if is_new:
            row |= {name: self._platform(row) for name in table.lookups}
        if CLAIMED in table.kept:
            self._claim(write.key, row)

    def _platform(self, row: Row) -> Cell:
        """All look-ups there are ask for it."""
        chat = row["chat_id"]
        return self.rows[_CHATS].get((chat,), {}).get("platform") if isinstance(chat, str) else None

    def _claim(self, key: Key, row: Row) -> None:
        """A platform id is the first one's that claims it."""
        if row[CLAIMED] is not None:
            holder = self._claims.setdefault((row["chat_id"], row[CLAIMED]), key)
            if holder != key:
                row[CLAIMED] = None


class Folds(Protocol):
    """Something in memory that facts are folded into."""

    def fold(self, recorded: Recorded[Fact]) -> None:
        """What one fact does."""


class NaiveSink:
    """Gives what is read to what folds it; None is a fact that waits and counts nowhere."""

    def __init__(self, *folds: Folds) -> None:
        self._folds = folds

    async def start(self) -> None:
        """Memory is always there."""

    async def position(self, topic: str, partition: int) -> int | None:  # noqa: ARG002  # nothing is stored
        """None: the whole log is read."""
        return None

    async def confirm(self, topic: str, partition: int, position: int | None) -> None:
        """Nobody else writes here."""

    def prepare(self, batch: Sequence[Recorded[Fact] | None]) -> Sequence[Recorded[Fact] | None]:
        """The facts themselves."""
        return batch

    async def write(self, prepared: Sequence[Recorded[Fact] | None], move: Move) -> None:  # noqa: ARG002  # as above
        """One after the other."""
        for recorded in prepared:
            if recorded is not None:
                for one in self._folds:
                    one.fold(recorded)
