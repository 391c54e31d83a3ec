"""The tables in memory, one write after another: what the fast way must equal.

It shares the projection's `evolve`, and nothing of how batches are folded, staged and merged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from projections.claims import COLUMN as CLAIMED
from projections.registry import Projection
from projections.rows import NOTHING, Cell, Key, Standing, Write
from projections.sink import Move
from projections.tables import Table
from schemas.envelope import Recorded
from schemas.facts import Fact

Row = dict[str, Cell]
Rows = dict[Key, Row]

_STANDING: Final = ("delivery_attempt", "delivery_status", "error_code", "error_message")
_NO_STANDING: Final = Standing(attempt=-1, rank=0)


class NaiveTables:
    """Rows by table and key; `sees` says which facts count."""

    def __init__(
        self, projection: Projection[Recorded[Fact]], sees: Callable[[Recorded[Fact]], bool]
    ) -> None:
        self.rows: Mapping[str, Rows] = {table.name: {} for table in projection.tables}
        self._tables = {table.name: table for table in projection.tables}
        self._projection = projection
        self._sees = sees
        self._standings: dict[tuple[str, Key], Standing] = {}
        self._claims: dict[tuple[Cell, Cell], Key] = {}

    def apply(self, recorded: Recorded[Fact]) -> None:
        """What one fact does."""
        if self._sees(recorded):
            for write in self._projection.evolve(recorded):
                self._write(self._tables[write.table], write)

    def _write(self, table: Table, write: Write) -> None:
        row = self.rows[table.name].get(write.key)
        if row is None:
            if write.initial is not None:
                self._insert(table, write, write.initial)
        elif row["last_seq"] is None or int(row["last_seq"]) < write.sequence:  # type: ignore[arg-type]  # a number
            self._update(table, write, row)

    def _insert(self, table: Table, write: Write, initial: Mapping[str, Cell]) -> None:
        row: Row = dict.fromkeys((*table.key, *table.columns))
        row |= dict(zip(table.key, write.key, strict=True))
        row |= {name: self._chat(write).get("platform") for name in table.lookups}
        if table.has_standing:
            row |= dict.fromkeys(_STANDING)
        self.rows[table.name][write.key] = row
        self._update(table, write, row, {**initial, **write.kept})

    def _update(
        self, table: Table, write: Write, row: Row, initial: Mapping[str, Cell] = NOTHING
    ) -> None:
        first = {name: value for name, value in write.kept.items() if row[name] is None}
        row |= {**initial, **first, **write.assigned}
        row["last_seq"] = write.sequence
        if table.has_standing and write.standing is not None:
            self._stand((table.name, write.key), write.standing, row)
        if CLAIMED in table.kept:
            self._claim(write.key, row)

    def _stand(self, place: tuple[str, Key], standing: Standing, row: Row) -> None:
        """Of two standings the greater stays."""
        best = max(self._standings.get(place, _NO_STANDING), standing)
        self._standings[place] = best
        told = (best.attempt, best.status, best.error_code or None, best.error_message or None)
        row |= dict(zip(_STANDING, told, strict=True))

    def _claim(self, key: Key, row: Row) -> None:
        """A platform id is the first one's that claims it."""
        if row[CLAIMED] is not None:
            holder = self._claims.setdefault((row["chat_id"], row[CLAIMED]), key)
            if holder != key:
                row[CLAIMED] = None

    def _chat(self, write: Write) -> Row:
        named = write.assigned.get("chat_id")
        return self.rows["chats"].get((named,), {}) if isinstance(named, str) else {}


class NaiveSink:
    """Gives what is read to the tables in memory."""

    def __init__(self, tables: NaiveTables) -> None:
        self._tables = tables

    async def start(self) -> None:
        """Memory is always there."""

    async def position(self, topic: str, partition: int) -> int | None:  # noqa: ARG002  # nothing is stored
        """None: the whole log is read."""
        return None

    async def confirm(self, topic: str, partition: int, position: int | None) -> None:
        """Nobody else writes here."""

    def prepare(self, batch: Sequence[Recorded[Fact]]) -> Iterable[Recorded[Fact]]:
        """The facts themselves."""
        return batch

    async def write(self, prepared: Iterable[Recorded[Fact]], move: Move) -> None:  # noqa: ARG002  # as above
        """One after the other."""
        for recorded in prepared:
            self._tables.apply(recorded)
