"""The live tables against a plain fold of the log, in memory, a partition at a time."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from zlib import crc32

from chatfold import clock, database
from chatfold.rebuilding.reading import Facts
from chatfold.rebuilding.tables import TablesTarget as Target
from chatfold.refusal import Refusal
from projections.build import LIVE, Build
from projections.comparing import RowDifference, difference
from projections.in_memory import Row
from projections.naive import NaiveSink, NaiveTables
from projections.partition import Reading, Span
from projections.rows import Cell, Key
from projections.stretch import Stretch
from projections.tables import Table
from schemas import codec

_CHUNK: Final = 5_000
_STANDING: Final = ("delivery_attempt", "delivery_status", "error_code", "error_message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How many rows of a table were compared, and the first that are not the fold of the log."""

    table: str
    rows: int
    wrong: int
    examples: Sequence[RowDifference]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One chat, or so many in a hundred."""

    percent: float = 100.0
    chat: str | None = None

    def holds(self, chat: str) -> bool:
        """Whether the chat is in it; always the same ones."""
        if self.chat is not None:
            return chat == self.chat
        return crc32(chat.encode()) % 10_000 < self.percent * 100


async def verify(
    target: Target, name: str, sample: Sample, *, limit: int, stop: asyncio.Event
) -> list[Verified]:
    """Every table of the build, as it is at one moment, against the log up to there."""
    async with (
        target.pool.acquire() as reader,
        reader.transaction(isolation="repeatable_read", readonly=True),
    ):
        if totals := [table.name for table in target.projection.tables if table.has_totals]:
            raise Refusal(f"{totals[0]} holds totals of many chats: rebuild and use diff instead")
        build = await target.of.get(reader, name)
        ends = await target.of.positions(reader, build, target.place.topic)
        checks = [_Check(table, limit) for table in target.projection.tables]
        for partition, end in sorted(ends.items()):
            span = Span(build.scope.first.get(partition), end)
            tables = await _folded(target, build, sample, {partition: span}, stop)
            for check in checks:
                await check.compare(reader, target.of.schema(build), tables)
        is_whole = sample == Sample() and build.state in {LIVE, "ready", "kept"}
        for check in checks:
            if is_whole:
                await check.count(reader, target.of.schema(build))
    return [check.told for check in checks]


async def _folded(
    target: Target, build: Build, sample: Sample, spans: dict[int, Span], stop: asyncio.Event
) -> NaiveTables:
    def sees(recorded: Facts) -> bool:
        is_tenants = build.scope.tenant in {None, recorded.tenant}
        is_chats = build.scope.chat in {None, recorded.chat_id}
        return is_tenants and is_chats and sample.holds(recorded.chat_id)

    tables = NaiveTables(target.projection, sees)
    reading = Reading(
        projection=f"{target.projection.name} verify",
        decode=target.projection.decode,
        sink=NaiveSink(tables),
        clock=clock.now,
        tells_kafka=False,
    )
    await Stretch(reading, target.place, spans).read(stop)
    return tables


class _Check:
    """One table's comparison, over all partitions."""

    def __init__(self, table: Table, limit: int) -> None:
        self._table = table
        self._limit = limit
        self._rows = self._wrong = 0
        self._examples: list[RowDifference] = []

    @property
    def told(self) -> Verified:
        """What was found."""
        return Verified(
            table=self._table.name, rows=self._rows, wrong=self._wrong, examples=self._examples
        )

    async def compare(self, reader: database.Connection, schema: str, tables: NaiveTables) -> None:
        """The rows of all chats that were folded."""
        wanted = tables.rows[self._table.name]
        chats = sorted({str(row["chat_id"]) for row in wanted.values()})
        keys = set(wanted)
        for start in range(0, len(chats), _CHUNK):
            for row in await self._fetch(reader, schema, chats[start : start + _CHUNK]):
                key = tuple(row[name] for name in self._table.key)
                keys.discard(key)
                self._judge(row, wanted.get(cast("Key", key)))
        for key in sorted(keys, key=str):
            self._judge(None, wanted[key])

    async def count(self, reader: database.Connection, schema: str) -> None:
        """Rows of chats that the log does not know."""
        found = await reader.fetchval(f"SELECT count(*) FROM {schema}.{self._table.name}")  # noqa: S608  # checked names
        unknown = found - self._rows
        self._wrong += max(0, unknown)

    def _judge(self, found: Row | None, wanted: Row | None) -> None:
        self._rows += found is not None
        told = difference(self._table, _plain(found), _plain(wanted))
        if told.columns or told.only_in:
            self._wrong += 1
            if len(self._examples) < self._limit:
                self._examples.append(told)

    async def _fetch(
        self, reader: database.Connection, schema: str, chats: Sequence[str]
    ) -> Iterator[Row]:
        names = (
            *self._table.key,
            *self._table.columns,
            *self._table.lookups,
            *(_STANDING if self._table.has_standing else ()),
            "last_seq",
        )
        kinds = {**self._table.key, **self._table.columns}
        cells = ", ".join(_cell(name, kinds.get(name, "text")) for name in names)
        rows = await reader.fetch(
            f"SELECT {cells} FROM {schema}.{self._table.name} WHERE chat_id = ANY($1::uuid[])",  # noqa: S608  # names of tables.py
            chats,
        )
        return (dict(row) for row in rows)


def _cell(name: str, kind: str) -> str:
    return f"{name}::text" if kind == "uuid" else name


def _plain(row: Row | None) -> dict[str, object] | None:
    return None if row is None else {name: _json(value) for name, value in row.items()}


def _json(value: Cell) -> object:
    """The cell as it is told: a JSON text as what it says, so that only its meaning counts."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return codec.loads(value.encode())
        except codec.Undecodable:
            return value
    return value.isoformat() if isinstance(value, datetime) else value
