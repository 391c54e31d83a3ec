"""Many writes to the fewest that do the same, whatever batches they come in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from projections.rows import Amounts, Key, Standing, Write

_Row = tuple[str, Key]


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


def fold(writes: Iterable[Write]) -> dict[str, Folded]:
    """The writes table by table; `writes` are in the order of the log."""
    patches: dict[_Row, Write] = {}
    upserts: dict[_Row, Write] = {}
    for write in writes:
        row = (write.table, write.key)
        if row in upserts:
            upserts[row] = _merged(upserts[row], write)
        elif write.initial is not None:
            upserts[row] = write
        else:
            earlier = patches.get(row)
            patches[row] = _merged(earlier, write) if earlier else write
    return _by_table(patches, upserts)


def _merged(first: Write, then: Write) -> Write:
    """One write that does both; the first says how the row begins, since by then it is there."""
    return Write(
        first.table,
        first.key,
        then.sequence,
        {**first.assigned, **then.assigned},
        first.initial,
        _greater(first.standing, then.standing),
        {**then.kept, **first.kept} if then.kept else first.kept,
        _sums(first.added, then.added) if then.added else first.added,
    )


def _sums(first: Amounts, then: Amounts) -> Amounts:
    return {name: first.get(name, 0) + then.get(name, 0) for name in {**first, **then}}


def _greater(first: Standing | None, then: Standing | None) -> Standing | None:
    if first is None or then is None:
        return first or then
    return max(first, then)


def _by_table(patches: Mapping[_Row, Write], upserts: Mapping[_Row, Write]) -> dict[str, Folded]:
    """Rows in the order in which the log first names them."""
    parts: dict[str, tuple[list[Write], list[Write], list[Write]]] = {}
    for row, patch in patches.items():
        before, alone, _ = parts.setdefault(row[0], ([], [], []))
        (before if row in upserts else alone).append(patch)
    for row, upsert in upserts.items():
        parts.setdefault(row[0], ([], [], []))[2].append(upsert)
    return {table: Folded(*part) for table, part in parts.items()}
