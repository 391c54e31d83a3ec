"""Rows as Arrow tables: those of the log, those of PostgreSQL, and their share of each day."""

import io
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.abc import MetaPathFinder
from typing import Final
from urllib.parse import quote

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from chatfold.export.shapes import Shape
from projections.registry import LogRecord

NOWHERE: Final = "__HIVE_DEFAULT_PARTITION__"
_MOMENT: Final = pa.timestamp("us", "UTC")
_TYPES: Final[Mapping[str, pa.DataType]] = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "timestamptz": _MOMENT,
    "double precision": pa.float64(),
}
_HEADERS: Final = {
    "id": "ce_id",
    "type": "ce_type",
    "tenant_id": "ce_tenant",
    "chat_id": "ce_subject",
    "source": "ce_source",
    "causation_id": "ce_causationid",
    "correlation_id": "ce_correlationid",
}


def schema(shape: Shape) -> pa.Schema:
    """The Arrow schema of what is exported."""
    return pa.schema([(name, _TYPES.get(of, pa.string())) for name, of in shape.columns.items()])


def spare() -> None:
    """Have Arrow take less time to start and less memory.

    The system's allocator gives back what Arrow's own keeps (300 instead of 350 MB for an export).
    And it does without pandas, which it would load where it is installed, to know its values: some
    0.2 to 2 s and 40 MB. Where that is loaded already it stays, else it can be used afterwards.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _WITHOUT_PANDAS)
        try:
            pa.array([None])  # looks for it, once and for all
        finally:
            sys.meta_path.remove(_WITHOUT_PANDAS)


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname, name=fullname)


_WITHOUT_PANDAS: Final = _WithoutPandas()


def of_log(shape: Shape, partition: int, records: Sequence[LogRecord]) -> pa.Table:
    """The records of a partition; what a header does not tell is null."""
    headers = [dict(record.headers) for record in records]
    columns = {name: _texts([h.get(of) for h in headers]) for name, of in _HEADERS.items()}
    columns["partition"] = pa.array([partition] * len(records), pa.int32())
    columns["offset"] = pa.array([record.offset for record in records], pa.int64())
    appended = pa.array([record.timestamp * 1000 for record in records], pa.int64())
    columns["appended_at"] = appended.cast(_MOMENT)
    columns["sequence"] = _numbers([h.get("ce_sequence") for h in headers])
    columns["time"] = _moments([h.get("ce_time") for h in headers])
    columns["data"] = _texts([record.value for record in records])
    return pa.table({name: columns[name] for name in shape.columns}, schema(shape))


def of_csv(shape: Shape, data: bytes) -> pa.Table:
    """The rows that PostgreSQL has copied out, in the order of the shape's columns."""
    wanted = schema(shape)
    if not data:
        return wanted.empty_table()
    return pa.csv.read_csv(
        io.BytesIO(data),
        read_options=pa.csv.ReadOptions(column_names=wanted.names, block_size=1 << 26),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=wanted,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def moments(shape: Shape, table: pa.Table) -> pa.Array:
    """The time by which each row is of a day; by the log's own clock where it has none."""
    found = table[shape.day]
    return pc.coalesce(found, table["appended_at"]) if shape.is_log else found


def by_day(shape: Shape, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each tenant and day, in their order, with the folder they belong to."""
    tenants = pc.fill_null(table["tenant_id"], "").combine_chunks()
    places = pc.binary_join_element_wise(pc.fill_null(_days(shape, table), ""), tenants, "/")
    found = places.combine_chunks().dictionary_encode()
    if len(found.dictionary) > 1:
        table = table.take(pc.sort_indices(found.indices))  # stable
    begin = 0
    for one in sorted(pc.value_counts(found.indices).to_pylist(), key=lambda one: one["values"]):
        day, _, tenant = found.dictionary[one["values"]].as_py().partition("/")
        yield folder(tenant, day), table.slice(begin, one["counts"])
        begin += one["counts"]


def _days(shape: Shape, table: pa.Table) -> pa.Array:
    """In UTC, as 2026-11-28."""
    return moments(shape, table).cast(pa.date32()).cast(pa.string())


def folder(tenant: str, day: str | None) -> str:
    """Where the rows of a tenant and day are, as Hive names it."""
    return f"tenant={quote(tenant, safe='') or NOWHERE}/day={day or NOWHERE}"


def parquet(table: pa.Table, distinct: Container[str] = ()) -> bytes:
    """The table as a Parquet file; no dictionaries of columns whose values are `distinct`."""
    sink = pa.BufferOutputStream()
    repeated = [name for name in table.column_names if name not in distinct]
    pa.parquet.write_table(
        table, sink, compression="zstd", compression_level=3, use_dictionary=repeated
    )
    return bytes(sink.getvalue())


def json_lines(shape: Shape, table: pa.Table) -> bytes:
    """The table as a line of JSON for each row; what is JSON in it stays JSON."""
    inner = [name for name, of in shape.columns.items() if of == "jsonb"]
    encode = msgspec.json.Encoder().encode
    return b"".join(encode(_opened(row, inner)) + b"\n" for row in table.to_pylist())


def _opened(row: dict[str, object], inner: Iterable[str]) -> dict[str, object]:
    for name in inner:
        text = row[name]
        if isinstance(text, str) and _is_json(text):
            row[name] = msgspec.Raw(text.encode())
    return row


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return "\n" not in text


def _texts(values: Sequence[bytes | None]) -> pa.Array:
    try:
        return pa.array(values, pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([v.decode(errors="replace") if v is not None else None for v in values])


def _numbers(values: Sequence[bytes | None]) -> pa.Array:
    return pa.array([int(v) if v and v.isdigit() else 0 for v in values], pa.int64())


def _moments(values: Sequence[bytes | None]) -> pa.Array:
    try:
        return _texts(values).cast(_MOMENT)
    except pa.ArrowInvalid:
        return pa.array(map(_moment, values), _MOMENT)


def _moment(value: bytes | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat((value or b"").decode())
    except ValueError:
        return None
    return moment if moment.tzinfo else None
