"""A batch's writes as rows of a temporary table, from which one statement merges them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from projections.fold import Folded
from projections.rows import NOTHING, Cell, Columns, Standing, Write
from projections.tables import Table

BEFORE: Final = 0
PATCH: Final = 1
UPSERT: Final = 2

STANDING: Final = {
    "delivery_attempt": "integer",
    "delivery_status": "delivery_status",
    "error_code": "text",
    "error_message": "text",
}

_HEAD: Final = {"part": "smallint", "mask": "bigint", "last_seq": "bigint"}
_AS_THEY_ARE: Final = frozenset(
    {
        "uuid",
        "text",
        "integer",
        "bigint",
        "smallint",
        "double precision",
        "boolean",
        "timestamptz",
        "jsonb",
    }
)

_MASKS: Final = 10_000

Record = tuple[Cell, ...]


@dataclass(frozen=True)
class Staged:
    """The rows of one table in a batch, ready for COPY."""

    columns: tuple[str, ...]
    records: Sequence[Record]
    changed: Mapping[int, frozenset[str]]
    """For each part that has rows, the columns that any of them changes."""


@dataclass(frozen=True)
class Stage:
    """The temporary table before one table.

    It is kept from transaction to transaction and emptied at their end: to make and drop one
    each time would fill the catalog with dead rows. Its name changes with its shape, because
    behind a connection pooler another version may have left one.
    """

    table: Table

    @cached_property
    def name(self) -> str:
        """A name that no other shape has."""
        digest = sha256(repr(self.types).encode()).hexdigest()[:8]
        return f"chatfold_stage_{self.table.name}_{digest}"

    @cached_property
    def types(self) -> dict[str, str]:
        """Each column's type; enums come as text."""
        standing = STANDING if self.table.has_standing else {}
        columns = {**self.table.key, **_HEAD, **standing, **self.table.columns}
        return {name: kind if kind in _AS_THEY_ARE else "text" for name, kind in columns.items()}

    @cached_property
    def definition(self) -> str:
        """The statement that makes it if this session has none."""
        columns = ", ".join(f"{name} {kind}" for name, kind in self.types.items())
        return f"CREATE TEMP TABLE IF NOT EXISTS {self.name} ({columns}) ON COMMIT DELETE ROWS"

    @cached_property
    def _masks(self) -> dict[tuple[str, ...], int]:
        return {}

    @cached_property
    def bits(self) -> dict[str, int]:
        """Each column's place in the mask of what a row assigns."""
        return {name: 1 << place for place, name in enumerate(self.table.columns)}

    def rows(self, folded: Folded) -> Staged:
        """The writes as records; columns that no write names are left out."""
        parts = {BEFORE: folded.before, PATCH: folded.patches, UPSERT: folded.upserts}
        changed = {part: _changed(writes) for part, writes in parts.items() if writes}
        initial = _named(write.initial or NOTHING for write in folded.upserts)
        named = initial.union(*changed.values())
        columns = tuple(name for name in self.table.columns if name in named)
        records = [
            record
            for part, writes in parts.items()
            for record in self._records(part, writes, columns)
        ]
        if self.table.has_totals:  # partitions share rows: locked in one order, none waits for ever
            records.sort(key=lambda record: record[: len(self.table.key)])
        head = (*self.table.key, *_HEAD, *(STANDING if self.table.has_standing else ()))
        return Staged((*head, *columns), records, changed)

    def _records(
        self, part: int, writes: Iterable[Write], columns: tuple[str, ...]
    ) -> Iterator[Record]:
        has_standing = self.table.has_standing
        for write in writes:
            mask = self._mask(tuple(write.assigned))
            standing = _standing(write.standing) if has_standing else ()
            value = _values(write).get
            rest = [value(name) for name in columns]
            yield (*write.key, part, mask, write.sequence, *standing, *rest)

    def _mask(self, assigned: tuple[str, ...]) -> int:
        """Facts of one kind assign the same columns: few masks make up a batch."""
        known = self._masks.get(assigned)
        if known is None:
            if len(self._masks) > _MASKS:
                self._masks.clear()
            known = self._masks[assigned] = sum(self.bits[name] for name in assigned)
        return known


def _values(write: Write) -> Columns:
    if write.added:
        return write.added
    if write.initial or write.kept:
        return {**(write.initial or NOTHING), **write.kept, **write.assigned}
    return write.assigned


def _changed(writes: Iterable[Write]) -> frozenset[str]:
    return _named(
        columns for write in writes for columns in (write.assigned, write.kept, write.added)
    )


def _named(parts: Iterable[Columns]) -> frozenset[str]:
    """All names in them; facts of one kind name the same ones."""
    return frozenset().union(*{tuple(columns) for columns in parts})


def _standing(standing: Standing | None) -> Record:
    if standing is None:
        return (None, None, None, None)
    return (standing.attempt, standing.status, standing.error_code, standing.error_message)
