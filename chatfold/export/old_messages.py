"""Moves old messages out of their table into Parquet, a tenant's day at a time.

A day is one file, which is replaced as a whole: what it has and what the table has are merged by
message id. It is written before the rows are deleted, in the transaction that has read them; ended
in between, both have them, and the next run writes the same file again.
"""

import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

import asyncpg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from chatfold.archive.storage import Storage
from chatfold.export import arrow, queries
from chatfold.export.shapes import SHAPES

FOLDER: Final = "messages"
MOST_TRIES: Final = 5
LONGEST_SECONDS: Final = 600.0

_SHAPE: Final = SHAPES["messages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A tenant's day and how many of its messages are old enough."""

    tenant: str
    day: date
    messages: int

    @property
    def key(self) -> str:
        """Where its messages are archived."""
        return f"{FOLDER}/{arrow.folder(self.tenant, self.day.isoformat())}/messages.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What is moved from where to where."""

    connection: asyncpg.Connection
    schema: str
    storage: Storage
    cutoff: datetime
    reach: Callable[[str], None]

    async def days(self, tenant: str | None) -> list[Day]:
        """The days of which something is old enough, the oldest first."""
        query = queries.DAYS.format(schema=self.schema)
        rows = await self.connection.fetch(query, self.cutoff, tenant, timeout=LONGEST_SECONDS)
        return [
            Day(tenant=row["tenant_id"], day=row["day"], messages=row["messages"]) for row in rows
        ]

    async def move(self, days: list[Day]) -> AsyncIterator[int]:
        """Move day after day; yields how many messages each had."""
        for day in days:
            yield await self._with_patience(day)

    async def _with_patience(self, day: Day) -> int:
        """Again from the beginning where a row changed meanwhile."""
        for _ in range(MOST_TRIES - 1):
            try:
                return await self._move(day)
            except asyncpg.SerializationError:
                continue
        return await self._move(day)

    async def _move(self, day: Day) -> int:
        async with self.connection.transaction(isolation="repeatable_read"):
            await self.connection.execute(queries.LOCK.format(schema=self.schema))
            found = await self._rows(day)
            await self.storage.put(day.key, arrow.parquet(_merged(await self._kept(day), found)))
            self.reach("messages-file-written")
            await self._delete(day, found.num_rows)
            self.reach("messages-deleted")
        self.reach("messages-moved")
        return int(found.num_rows)

    async def _rows(self, day: Day) -> pa.Table:
        columns = ", ".join(f"m.{name}" for name in _SHAPE.columns)
        query = queries.ROWS.format(schema=self.schema, columns=columns)
        sink = io.BytesIO()
        await self.connection.copy_from_query(
            query, *self._bounds(day), output=sink, format="csv", timeout=LONGEST_SECONDS
        )
        return arrow.of_csv(_SHAPE, sink.getvalue())

    async def _kept(self, day: Day) -> pa.Table:
        data = await self.storage.get(day.key)
        if data is None:
            return arrow.schema(_SHAPE).empty_table()
        return pa.parquet.ParquetFile(io.BytesIO(data)).read()

    async def _delete(self, day: Day, wanted: int) -> None:
        query = queries.DELETE.format(schema=self.schema)
        done = await self.connection.execute(query, *self._bounds(day), timeout=LONGEST_SECONDS)
        if done != f"DELETE {wanted}":
            raise AssertionError(f"{day}: {wanted} messages are archived, but: {done}")

    def _bounds(self, day: Day) -> tuple[datetime, str, datetime]:
        return self.cutoff, day.tenant, datetime.combine(day.day, time(), UTC)


def cutoff(moment: datetime) -> datetime:
    """The first moment that is not old enough, that day's first: days are moved whole."""
    return datetime.combine(moment.date(), time(), UTC)


def _merged(kept: pa.Table, found: pa.Table) -> pa.Table:
    """What was archived and what comes; of two with one id the one that comes, which knows more."""
    others = pc.invert(pc.is_in(kept["message_id"], found["message_id"].combine_chunks()))
    both = pa.concat_tables([kept.filter(others), found], promote_options="permissive")
    ordered = both.sort_by([("created_at", "ascending"), ("message_id", "ascending")])
    return ordered.select(list(_SHAPE.columns))
