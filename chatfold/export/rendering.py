"""The files of a piece: its rows by tenant and day, as far as they are wanted."""

from collections.abc import Iterator

import cramjam
import pyarrow as pa
import pyarrow.compute as pc

from chatfold.export import arrow
from chatfold.export.exporting import Choice, Format
from chatfold.export.shapes import Shape


def parts(shape: Shape, choice: Choice, table: pa.Table) -> Iterator[tuple[str, int, bytes]]:
    """The folder, the number of rows and the bytes of each file."""
    for folder, part in arrow.by_day(shape, _wanted(shape, choice, table)):
        yield folder, part.num_rows, _bytes(shape, choice, part)


def _wanted(shape: Shape, choice: Choice, table: pa.Table) -> pa.Table:
    if choice.tenant is not None:
        table = table.filter(pc.equal(table["tenant_id"], choice.tenant))
    if choice.since is not None:
        table = table.filter(pc.greater_equal(arrow.days(shape, table), choice.since))
    if choice.until is not None:
        table = table.filter(pc.less(arrow.days(shape, table), choice.until))
    return table


def _bytes(shape: Shape, choice: Choice, part: pa.Table) -> bytes:
    if choice.format == Format.PARQUET:
        return arrow.parquet(part, shape.distinct)
    return bytes(cramjam.gzip.compress(arrow.json_lines(shape, part), 6))
