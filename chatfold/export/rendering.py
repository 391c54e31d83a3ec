"""The files of a piece: its rows by tenant and day, as far as they are wanted."""

from collections.abc import Iterator

import cramjam
import pyarrow as pa
import pyarrow.compute as pc

from chatfold.export import arrow
from chatfold.export.asked import Format
from chatfold.export.part import Rows
from chatfold.export.shapes import Shape


def parts(shape: Shape, rows: Rows, table: pa.Table) -> Iterator[tuple[str, int, bytes]]:
    """The folder, the number of rows and the bytes of each file."""
    for folder, part in arrow.by_day(shape, _wanted(shape, rows, table)):
        yield folder, part.num_rows, _bytes(shape, rows, part)


def _wanted(shape: Shape, rows: Rows, table: pa.Table) -> pa.Table:
    if rows.tenant is not None:
        table = table.filter(pc.equal(table["tenant_id"], rows.tenant))
    if rows.since is not None:
        table = table.filter(pc.greater_equal(arrow.moments(shape, table), rows.since))
    if rows.until is not None:
        table = table.filter(pc.less(arrow.moments(shape, table), rows.until))
    return table


def _bytes(shape: Shape, rows: Rows, part: pa.Table) -> bytes:
    if rows.format == Format.PARQUET:
        return arrow.parquet(part, shape.distinct)
    return bytes(cramjam.gzip.compress(arrow.json_lines(shape, part), 6))
