"""Rows of one table held to those that a plain fold has made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, cast

from chatfold import database
from projections.comparing import RowDifference, difference
from projections.in_memory import Row
from projections.rows import Cell, Key
from projections.tables import Table
from schemas import codec

_CHUNK: Final = 5_000
_STANDING: Final = ("delivery_attempt", "delivery_status", "error_code", "error_message")
_AS_TEXT: Final = frozenset({"uuid", "date"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How many rows of a table were compared, and the first that are not the fold of the log."""

    table: str
    rows: int
    wrong: int
    examples: Sequence[RowDifference]


def is_of_chats(table: Table) -> bool:
    """Whether each row is one chat's, so that a partition's facts make it whole."""
    return not table.has_totals and "chat_id" in {**table.key, **table.columns}


class Check:
    """One table's comparison, over all partitions."""

    def __init__(self, table: Table, schema: str, limit: int) -> None:
        self.table = table
        self._from = f"{schema}.{table.name}"
        self._limit = limit
        self._rows = self._wrong = 0
        self._examples: list[RowDifference] = []

    @property
    def told(self) -> Verified:
        """What was found."""
        return Verified(
            table=self.table.name, rows=self._rows, wrong=self._wrong, examples=self._examples
        )

    async def compare(self, reader: database.Connection, wanted: Mapping[Key, Row]) -> None:
        """The rows of all chats that were folded."""
        chats = sorted({str(row["chat_id"]) for row in wanted.values()})
        left = set(wanted)
        for start in range(0, len(chats), _CHUNK):
            some = chats[start : start + _CHUNK]
            rows = await self._fetch(reader, "WHERE chat_id = ANY($1::uuid[])", some)
            left -= self._judge_all(rows, wanted)
        self._miss(left, wanted)

    async def compare_whole(self, reader: database.Connection, wanted: Mapping[Key, Row]) -> None:
        """All rows there are."""
        self._miss(set(wanted) - self._judge_all(await self._fetch(reader, ""), wanted), wanted)

    async def count(self, reader: database.Connection) -> None:
        """Rows of chats that the log does not know."""
        found = await reader.fetchval(f"SELECT count(*) FROM {self._from}")  # noqa: S608  # checked names
        self._wrong += max(0, found - self._rows)

    def _judge_all(self, rows: Iterable[Row], wanted: Mapping[Key, Row]) -> set[Key]:
        """The keys of the rows."""
        keys = set[Key]()
        for row in rows:
            key = cast("Key", tuple(row[name] for name in self.table.key))
            self._judge(row, wanted.get(key))
            keys.add(key)
        return keys

    def _miss(self, keys: Iterable[Key], wanted: Mapping[Key, Row]) -> None:
        for key in sorted(keys, key=str):
            self._judge(None, wanted[key])

    def _judge(self, found: Row | None, wanted: Row | None) -> None:
        self._rows += found is not None
        told = difference(self.table, self._plain(found), self._plain(wanted))
        if told.columns or told.only_in:
            self._wrong += 1
            if len(self._examples) < self._limit:
                self._examples.append(told)

    async def _fetch(
        self, reader: database.Connection, where: str, *values: object
    ) -> Iterable[Row]:
        kinds = {**self.table.key, **self.table.columns}
        cells = ", ".join(_cell(name, kinds.get(name, "text")) for name in self._names())
        rows = await reader.fetch(f"SELECT {cells} FROM {self._from} {where}", *values)  # noqa: S608  # names of tables.py
        return (dict(row) for row in rows)

    def _names(self) -> Sequence[str]:
        own = () if self.table.has_totals else ("last_seq",)
        standing = _STANDING if self.table.has_standing else ()
        return (*self.table.key, *self.table.columns, *self.table.lookups, *standing, *own)

    def _plain(self, row: Row | None) -> dict[str, object] | None:
        """As it is told; a total that nothing was added to is 0, as the table's SQL may have it."""
        if row is None:
            return None
        plain = {name: _json(value) for name, value in row.items()}
        if self.table.has_totals:
            plain |= {name: plain[name] or 0 for name in self.table.columns}
        return plain


def _cell(name: str, kind: str) -> str:
    return f"{name}::text" if kind in _AS_TEXT else name


def _json(value: Cell) -> object:
    """The cell as it is told: a JSON text as what it says, so that only its meaning counts."""
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return codec.loads(value.encode())
        except codec.Undecodable:
            return value
    return value.isoformat() if isinstance(value, datetime | date) else value
