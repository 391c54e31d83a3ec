"""Tables that began empty: rows that are new go straight into them, all others are merged."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg

from projections.fold import Folded, fold
from projections.new_rows import NewRows, new_rows
from projections.postgres import Batch, PostgresSink
from projections.registry import Projection
from projections.rows import Cell, Write
from projections.sink import Move, Parked
from projections.tables import Table
from projections.unseen import Unseen

if TYPE_CHECKING:
    from projections.postgres import Connection, Pool, Step

T = TypeVar("T")

_LOOK_UP: Final = """
SELECT s.chat_id::text, ({expression})::text FROM unnest($1::uuid[]) s (chat_id)
"""
_REMEMBERED: Final = 200_000  # answers of look-ups, some 200 bytes each


@dataclass(frozen=True, slots=True)
class Direct:
    """New rows of one table, ready for COPY but for what they look up."""

    table: Table
    rows: NewRows


@dataclass(frozen=True, slots=True)
class FillingBatch(Batch):
    """A batch of which some rows need no merge; `tables` are all of its rows."""

    tables: Mapping[str, Folded] = field(default_factory=dict)
    direct: Sequence[Direct] = ()


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

    def batch(self, tables: Mapping[str, Folded]) -> FillingBatch:
        """What was folded already, ready to be written."""
        return self._filling(tables, ())

    async def write_steps(
        self, batch: FillingBatch, steps: Sequence[tuple[Move, Sequence[Parked]]]
    ) -> None:
        """Write the rows, the steps of their partitions, and what waits there; or nothing."""

        async def take(connection: "Connection") -> None:
            for move, parked in steps:
                await self._move(connection, replace(batch, parked=parked), move)

        with self.refusing("; ".join(str(move) for move, _ in steps)):
            await self._commit(batch, take)

    def batch_of(self, writes: Sequence[Write]) -> Batch:
        """The writes folded, those rows apart that are new."""
        if self._unseen is None:
            return super().batch_of(writes)
        return self._filling(fold(writes), writes)

    def _filling(self, tables: Mapping[str, Folded], writes: Sequence[Write]) -> FillingBatch:
        rest: dict[str, Folded] = {}
        direct: list[Direct] = []
        for merge in self._merges:
            table = merge.stage.table
            if table.name in tables:
                rest[table.name], new = self._split(table, tables[table.name])
                direct += (Direct(table, rows) for rows in new_rows(table, new))
        return FillingBatch(writes, self._staged(rest), tables=tables, direct=direct)

    def _split(self, table: Table, folded: Folded) -> tuple[Folded, Sequence[Write]]:
        """Rows of totals are never new for sure: other partitions write them too."""
        if self._unseen is None or table.has_totals:
            return folded, ()
        return self._unseen.split(table.name, folded)

    async def _commit(self, batch: Batch, step: "Step") -> None:
        """Write all; what turns out to be there already is merged after all."""
        try:
            await super()._commit(batch, step)
        except asyncpg.UniqueViolationError:
            if not isinstance(batch, FillingBatch) or not batch.direct:
                raise
            merged = Batch(batch.writes, self._staged(batch.tables), batch.parked)
            await super()._commit(merged, step)

    async def _merge(self, connection: "Connection", batch: Batch) -> None:
        """Rows that others look up are there before those that do."""
        direct = batch.direct if isinstance(batch, FillingBatch) else ()
        for one in direct:
            if not one.table.lookups:
                await self._copy(connection, one)
        await super()._merge(connection, batch)
        for one in direct:
            if one.table.lookups:
                await self._copy(connection, await self._looked_up(connection, one))

    async def _looked_up(self, connection: "Connection", one: Direct) -> Direct:
        columns, records = one.rows.columns, one.rows.records
        place = columns.index("chat_id")
        for name, expression in one.table.lookups.items():
            chats = {str(record[place]) for record in records}
            found = await self._look_up(connection, expression, chats)
            columns = (*columns, name)
            records = [(*record, found.get(str(record[place]))) for record in records]
        return Direct(one.table, NewRows(columns, records))

    async def _copy(self, connection: "Connection", one: Direct) -> None:
        done = await connection.copy_records_to_table(
            one.table.name,
            schema_name=self._schema,
            columns=one.rows.columns,
            records=one.rows.records,
        )
        if done != f"COPY {len(one.rows.records)}":
            raise AssertionError(f"{len(one.rows.records)} rows to copy, but {done}")

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
