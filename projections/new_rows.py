"""Rows of a table itself, ready for COPY, those together that name the same columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from projections.rows import NOTHING, Cell, Standing, Write
from projections.staging import STANDING, Record
from projections.tables import Table

_ALIKE = 50  # rows: fewer are not worth a COPY of their own


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows with values for `columns`."""

    columns: tuple[str, ...]
    records: Sequence[Record]


def new_rows(table: Table, upserts: Iterable[Write]) -> list[NewRows]:
    """The upserts as rows that were not there, without what they look up.

    Facts of a kind name the same columns in the same order, so most rows are their values.
    """
    head = (*table.key, "last_seq", *(STANDING if table.has_standing else ()))
    alike: dict[tuple[str, ...], list[Record]] = {}
    for write in upserts:
        values = write.assigned
        if write.initial or write.kept:
            values = {**(write.initial or NOTHING), **write.kept, **values}
        record = (*_head(table, write), *values.values())
        columns = tuple(values)
        if columns in alike:
            alike[columns].append(record)
        else:
            alike[columns] = [record]
    many = {columns: rows for columns, rows in alike.items() if len(rows) >= _ALIKE}
    few = {columns: rows for columns, rows in alike.items() if columns not in many}
    found = [NewRows((*head, *columns), rows) for columns, rows in many.items()]
    return [*found, _of_all_columns(table, head, few)] if few else found


def _of_all_columns(
    table: Table, head: tuple[str, ...], few: Mapping[tuple[str, ...], Sequence[Record]]
) -> NewRows:
    """Of all that any of them names."""
    named = {name for columns in few for name in columns}
    wanted = tuple(name for name in table.columns if name in named)
    begin = len(head)
    records = []
    for columns, rows in few.items():
        places = {name: place for place, name in enumerate(columns, begin)}
        order = [places.get(name) for name in wanted]
        for row in rows:
            values = [None if place is None else row[place] for place in order]
            records.append((*row[:begin], *values))
    return NewRows((*head, *wanted), records)


def _head(table: Table, write: Write) -> Record:
    if not table.has_standing:
        return (*write.key, write.sequence)
    return (*write.key, write.sequence, *_standing(write.standing))


def _standing(standing: Standing | None) -> tuple[Cell, ...]:
    """An error that has no code or text has none."""
    if standing is None:
        return (None, None, None, None)
    code, message = standing.error_code or None, standing.error_message or None
    return (standing.attempt, standing.status, code, message)
