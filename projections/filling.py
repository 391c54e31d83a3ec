"""Tables that began empty: rows that are new go straight into them, all others are merged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

import asyncpg

from projections.fold import Folded, fold
from projections.merging import Merge
from projections.postgres import Batch, PostgresSink
from projections.registry import Projection
from projections.rows import Cell, Write
from projections.staging import Record, Staged
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

    merge: Merge
    columns: tuple[str, ...]
    records: Sequence[Record]
    chats: Sequence[str]
    """Of each record, where its look-ups begin; empty if there are none."""


@dataclass(frozen=True, slots=True)
class FillingBatch(Batch):
    """A batch of which some rows need no merge."""

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

    def _batch(self, writes: Sequence[Write]) -> Batch:
        if self._unseen is None:
            return super()._batch(writes)
        folded = fold(writes)
        staged: list[tuple[Merge, Staged]] = []
        direct: list[Direct] = []
        for merge in self._merges:
            table = merge.stage.table.name
            if table in folded:
                rest, new = self._split(merge.stage.table, folded[table])
                if rest:
                    staged.append((merge, merge.stage.rows(rest)))
                if new:
                    direct.append(_direct(merge, new))
        return FillingBatch(writes, staged, direct=direct)

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
            merged = replace(super()._batch(batch.writes), parked=batch.parked)
            await super()._commit(merged, step)

    async def _merge(self, connection: "Connection", batch: Batch) -> None:
        """Rows that others look up are there before those that do."""
        direct = batch.direct if isinstance(batch, FillingBatch) else ()
        for one in direct:
            if not one.merge.stage.table.lookups:
                await self._copy(connection, one, one.columns, one.records)
        await super()._merge(connection, batch)
        for one in direct:
            if one.merge.stage.table.lookups:
                await self._copy_looked_up(connection, one)

    async def _copy_looked_up(self, connection: "Connection", one: Direct) -> None:
        columns, records = one.columns, one.records
        for name, expression in one.merge.stage.table.lookups.items():
            found = await self._look_up(connection, expression, one.chats)
            columns = (*columns, name)
            records = [
                (*record, found.get(chat)) for record, chat in zip(records, one.chats, strict=True)
            ]
        await self._copy(connection, one, columns, records)

    async def _copy(
        self,
        connection: "Connection",
        one: Direct,
        columns: Sequence[str],
        records: Sequence[Record],
    ) -> None:
        done = await connection.copy_records_to_table(
            one.merge.stage.table.name,
            schema_name=self._schema,
            columns=columns,
            records=records,
        )
        if done != f"COPY {len(records)}":
            raise AssertionError(f"{len(records)} rows to copy, but {done}")

    async def _look_up(
        self, connection: "Connection", expression: str, chats: Sequence[str]
    ) -> Mapping[str, Cell]:
        """The expression's value for each chat; what was found once stays as it is."""
        wanted = set(chats)
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


def _direct(merge: Merge, new: Sequence[Write]) -> Direct:
    columns, records = merge.stage.new_rows(new)
    chats = [str(_chat(write)) for write in new] if merge.stage.table.lookups else []
    return Direct(merge, columns, records, chats)


def _chat(write: Write) -> Cell:
    return write.assigned.get("chat_id") or (write.initial or {}).get("chat_id")
