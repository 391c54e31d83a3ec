"""The tables in memory, one write at a time: what batches, stages and statements must add up to."""

from collections.abc import Iterable

from projections.rows import Cell, Key, Standing, Write
from projections.staging import STANDING
from projections.tables import Table

Row = dict[str, Cell]


class MemoryTables:
    """Rows by table and key; columns that are looked up in other tables are left out."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = {table.name: table for table in tables}
        self._seen: dict[tuple[str, Key], int] = {}
        self._standings: dict[tuple[str, Key], Standing] = {}
        self.rows: dict[str, dict[Key, Row]] = {name: {} for name in self._tables}

    def apply(self, writes: Iterable[Write]) -> None:
        """Do the writes in their order."""
        for write in writes:
            self._apply(write)

    def of(self, table: str) -> list[Row]:
        """The rows of a table, in the order in which they were made."""
        return list(self.rows[table].values())

    def _apply(self, write: Write) -> None:
        table, rows = self._tables[write.table], self.rows[write.table]
        row = rows.get(write.key)
        if row is None and write.initial is not None:
            head = dict(zip(table.key, write.key, strict=True))
            empty = dict.fromkeys((*table.columns, *(STANDING if table.has_standing else ())))
            row = rows[write.key] = {**head, **empty, **write.initial}
        elif row is None or self._has_seen(write):
            return
        self._change(row, write)

    def _has_seen(self, write: Write) -> bool:
        return not write.added and self._seen[write.table, write.key] >= write.sequence

    def _change(self, row: Row, write: Write) -> None:
        self._seen[write.table, write.key] = write.sequence
        row.update(write.assigned)
        row.update({name: value for name, value in write.kept.items() if row[name] is None})
        row.update({name: _sum(row[name], amount) for name, amount in write.added.items()})
        if write.standing is not None:
            self._stand(row, write, write.standing)

    def _stand(self, row: Row, write: Write, told: Standing) -> None:
        place = (write.table, write.key)
        known = self._standings.get(place)
        if known is None or told > known:
            self._standings[place] = told
            row.update(
                delivery_attempt=told.attempt,
                delivery_status=told.status,
                error_code=told.error_code or None,
                error_message=told.error_message or None,
            )


def _sum(known: Cell, amount: int) -> int:
    assert known is None or isinstance(known, int)  # totals are numbers
    return (known or 0) + amount
