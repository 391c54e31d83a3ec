"""Tables that began empty: rows that are new go straight into them, all others are merged."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg

from projections.fold import Folded, Folding
from projections.new_rows import NewRows
from projections.postgres import CLAIMED, Batch, PostgresSink
from projections.registry import Projection
from projections.rows import Cell, Write
from projections.sink import Move, Parked
from projections.unseen import Unseen

if TYPE_CHECKING:
    from projections.postgres import Connection, Pool, Step

T = TypeVar("T")

_LOOK_UP: Final = """
SELECT s.chat_id::text, ({expression})::text FROM unnest($1::uuid[]) s (chat_id)
"""
_REMEMBERED: Final = 200_000  # answers of look-ups, some 200 bytes each


class Filling:
    """Writes taken in the order of the log: to rows that are new, or folded to be merged.

    A patch that came before the write that makes its row changes nothing: the row was not there.
    """

    def __init__(self, new: Sequence[NewRows]) -> None:
        self.new = new
        self._by_table = {rows.table.name: rows for rows in new}
        self._folding = Folding()

    def add(self, writes: Iterable[Write]) -> None:
        """Take these too."""
        rest: list[Write] = []
        new = self._by_table
        for write in writes:
            rows = new.get(write.table)
            if rows is None or not rows.take(write):
                rest.append(write)
        self._folding.add(rest)

    @property
    def rows(self) -> int:
        """How many rows it has by now."""
        return self._folding.rows + sum(map(len, self.new))

    @property
    def tables(self) -> Mapping[str, Folded]:
        """What must be merged.

        A patch is there too if its row was made after it: by their numbers it changes nothing.
        """
        return self._folding.tables()


@dataclass(frozen=True, slots=True)
class FillingBatch(Batch):
    """A batch of which some rows need no merge."""

    direct: Sequence[NewRows] = ()


class FillingSink(PostgresSink[T]):
    """Fills tables beside the live ones; types are those of the `live` schema.

    Until the last commits are safe on disk a crash of PostgreSQL may take them back, rows and
    position together, and they are made again.
    """

    def __init__(
        self,
        pool: "Pool",
        schema: str,
        projection: Projection[T],
        *,
        live: str,
        began_empty: bool,
        reach: Callable[[str], None],
    ) -> None:
        path = f"SET LOCAL search_path TO {schema}, {live}; SET LOCAL synchronous_commit = off"
        super().__init__(pool, schema, projection, reach=reach, settings=path)
        self._unseen = Unseen() if began_empty else None
        self._found: dict[tuple[str, str], Cell] = {}

    def filling(self) -> Filling:
        """What takes the writes of one batch; totals are merged, as other partitions add too."""
        if self._unseen is None:
            return Filling(())
        tables = [table for table in self._projection.tables if not table.has_totals]
        return Filling([NewRows(table, self._unseen) for table in tables])

    def batch(self, filling: Filling, writes: Sequence[Write] = ()) -> FillingBatch:
        """What was taken, ready to be written; `writes` are merged instead if copying fails."""
        direct = [rows for rows in filling.new if rows]
        return FillingBatch(writes, self._staged(filling.tables), direct=direct)

    def batch_of(self, writes: Sequence[Write]) -> FillingBatch:
        """The writes folded, those rows apart that are new."""
        filling = self.filling()
        filling.add(writes)
        return self.batch(filling, writes)

    async def write_steps(
        self, batch: FillingBatch, steps: Sequence[tuple[Move, Sequence[Parked]]]
    ) -> None:
        """Write the rows, the steps of their partitions, and what waits there; or nothing."""

        async def take(connection: "Connection") -> None:
            for move, parked in steps:
                await self._move(connection, replace(batch, parked=parked), move)

        with self.refusing("; ".join(str(move) for move, _ in steps)):
            await self._commit(batch, take)

    async def _commit(self, batch: Batch, step: "Step") -> None:
        """Write all; what turns out to be there already is merged after all."""
        try:
            await super()._commit(batch, step)
        except asyncpg.UniqueViolationError as error:
            if not isinstance(batch, FillingBatch) or not batch.direct:
                raise
            if error.constraint_name != CLAIMED:  # others write such rows too: none is new for sure
                self._unseen = None
            if not batch.writes:
                raise
            merged = replace(super().batch_of(batch.writes), parked=batch.parked)
            await super()._commit(merged, step)

    async def _merge(self, connection: "Connection", batch: Batch) -> None:
        """Rows that others look up are there before those that do."""
        direct = batch.direct if isinstance(batch, FillingBatch) else ()
        for rows in direct:
            if not rows.table.lookups:
                await self._copy(connection, rows)
        await super()._merge(connection, batch)
        for rows in direct:
            if rows.table.lookups:
                await self._fill_in(connection, rows)
                await self._copy(connection, rows)

    async def _fill_in(self, connection: "Connection", rows: NewRows) -> None:
        """What the rows look up."""
        chat = rows.place("chat_id")
        for name, expression in rows.table.lookups.items():
            place, chats = rows.place(name), {str(cells[chat]) for cells in rows.records}
            found = await self._look_up(connection, expression, chats)
            for cells in rows.records:
                cells[place] = found.get(str(cells[chat]))

    async def _copy(self, connection: "Connection", rows: NewRows) -> None:
        done = await connection.copy_records_to_table(
            rows.table.name,
            schema_name=self._schema,
            columns=rows.columns,
            records=rows.records,
        )
        if done != f"COPY {len(rows)}":
            raise AssertionError(f"{len(rows)} rows to copy, but {done}")

    async def _look_up(
        self, connection: "Connection", expression: str, wanted: Collection[str]
    ) -> Mapping[str, Cell]:
        """The expression's value for each chat; what was found once stays as it is."""
        known = {chat: self._found.get((expression, chat)) for chat in wanted}
        missing = sorted(chat for chat, value in known.items() if value is None)
        if missing:
            rows = await connection.fetch(_LOOK_UP.format(expression=expression), missing)
            found = {row[0]: row[1] for row in rows}
            known |= found
            self._remember(expression, found)
        return known

    def _remember(self, expression: str, found: Mapping[str, Cell]) -> None:
        if len(self._found) > _REMEMBERED:
            self._found.clear()
        told = {(expression, chat): value for chat, value in found.items() if value is not None}
        self._found.update(told)
