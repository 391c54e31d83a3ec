"""Many writes to the fewest that do the same, whatever batches they come in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from projections.rows import Amounts, Cell, Columns, Key, Standing, Write


@dataclass(frozen=True, slots=True)
class Folded:
    """What a batch does to one table, each row at most once in each part.

    First `before`: patches that came before the write that may make their row, so that they
    count only if the row was there already. Then `patches` and `upserts`, whose rows differ.
    """

    before: Sequence[Write] = ()
    patches: Sequence[Write] = ()
    upserts: Sequence[Write] = ()

    def __len__(self) -> int:
        return len(self.before) + len(self.patches) + len(self.upserts)


class Folding:
    """Writes folded as they come, in the order of the log; `rows` are how many it has by now."""

    def __init__(self) -> None:
        self._tables: dict[str, tuple[_Rows, _Rows]] = {}

    def add(self, writes: Iterable[Write]) -> None:
        """Fold these too."""
        tables = self._tables
        for write in writes:
            found = tables.get(write.table)
            if found is None:
                found = tables[write.table] = ({}, {})
            patches, rows = found
            earlier = rows.get(write.key)
            if earlier is None and write.initial is None:
                rows = patches
                earlier = rows.get(write.key)
            if earlier is None:
                rows[write.key] = write
            elif isinstance(earlier, _Sum):
                _add(earlier, write)
            else:
                _add(_begun(rows, earlier), write)

    @property
    def rows(self) -> int:
        """How many writes are left of all."""
        return sum(len(rows) for found in self._tables.values() for rows in found)

    def tables(self) -> dict[str, Folded]:
        """What there is to write, table by table."""
        return {table: _folded(*found) for table, found in self._tables.items()}


def fold(writes: Iterable[Write]) -> dict[str, Folded]:
    """The writes table by table; `writes` are in the order of the log."""
    folding = Folding()
    folding.add(writes)
    return folding.tables()


class _Sum(msgspec.Struct, gc=False):
    """Several writes to one row as one; the first says how the row begins, as by then it is there.

    It is changed in place: a row that many facts change costs each of them little.
    """

    table: str
    key: Key
    sequence: int
    assigned: dict[str, Cell]
    initial: Columns | None
    standing: Standing | None
    kept: Columns
    added: Amounts


_Rows = dict[Key, Write | _Sum]


def _begun(rows: _Rows, first: Write) -> _Sum:
    found = _Sum(
        first.table,
        first.key,
        first.sequence,
        dict(first.assigned),
        first.initial,
        first.standing,
        first.kept,
        first.added,
    )
    rows[first.key] = found
    return found


def _add(total: _Sum, write: Write) -> None:
    total.sequence = write.sequence
    if write.assigned:
        total.assigned.update(write.assigned)
    if write.standing is not None and (total.standing is None or total.standing < write.standing):
        total.standing = write.standing
    if write.kept:
        total.kept = {**write.kept, **total.kept}
    if write.added:
        total.added = _sums(total.added, write.added)


def _sums(first: Amounts, then: Amounts) -> Amounts:
    return {name: first.get(name, 0) + then.get(name, 0) for name in {**first, **then}}


def _folded(patches: _Rows, upserts: _Rows) -> Folded:
    """Rows in the order in which the log first names them."""
    return Folded(
        before=[_written(one) for key, one in patches.items() if key in upserts],
        patches=[_written(one) for key, one in patches.items() if key not in upserts],
        upserts=[_written(one) for one in upserts.values()],
    )


def _written(row: Write | _Sum) -> Write:
    if isinstance(row, Write):
        return row
    return Write(
        row.table,
        row.key,
        row.sequence,
        row.assigned,
        row.initial,
        row.standing,
        row.kept,
        row.added,
    )
