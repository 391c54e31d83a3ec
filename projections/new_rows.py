"""Rows that are not in their table yet, as records for COPY; later writes change them in place."""

from collections.abc import Collection
from typing import Final

from projections.rows import Cell, Columns, Key, Standing, Write
from projections.staging import STANDING
from projections.tables import Table
from projections.unseen import Unseen

Cells = list[Cell]

_NO_STANDING: Final = Standing(-1, 0)


class NewRows:
    """Rows of one table with a cell for each of `columns`; what is looked up is still empty."""

    def __init__(self, table: Table, unseen: Unseen) -> None:
        self.table = table
        standing = tuple(STANDING) if table.has_standing else ()
        self.columns = (*table.key, "last_seq", *standing, *table.columns, *table.lookups)
        self._places = {name: place for place, name in enumerate(self.columns)}
        self._sequence = len(table.key)
        self._empty = [None] * (len(self.columns) - self._sequence)
        self._unseen = unseen
        self._rows: dict[Key, Cells] = {}
        self._standings: dict[Key, Standing] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def records(self) -> Collection[Cells]:
        """The rows, in the order in which the log names them."""
        return self._rows.values()

    def place(self, column: str) -> int:
        """Where a record has the column."""
        return self._places[column]

    def take(self, write: Write) -> bool:
        """Do the write if its row is new; else say no."""
        places, key = self._places, write.key
        if write.initial is None or self._unseen.knows(self.table.name, key):
            cells = self._rows.get(key)
            if cells is None:
                return False
        else:
            cells = self._rows[key] = [*key, *self._empty]
            for name, value in write.initial.items():
                cells[places[name]] = value
        cells[self._sequence] = write.sequence
        for name, value in write.assigned.items():
            cells[places[name]] = value
        if write.kept:
            self._keep(cells, write.kept)
        if write.standing is not None:
            self._stand(cells, key, write.standing)
        return True

    def _keep(self, cells: Cells, columns: Columns) -> None:
        for name, value in columns.items():
            if cells[self._places[name]] is None:
                cells[self._places[name]] = value

    def _stand(self, cells: Cells, key: Key, told: Standing) -> None:
        """Of two standings the greater stays; an error that has no code or text has none."""
        if told > self._standings.get(key, _NO_STANDING):
            self._standings[key] = told
            begin = self._sequence + 1
            code, message = told.error_code or None, told.error_message or None
            cells[begin : begin + 4] = (told.attempt, told.status, code, message)
