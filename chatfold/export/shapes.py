"""The columns of what is exported; no Arrow here, so that documents can be made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from projections import registry
from projections.tables import Table

DAYS: Final = ("created_at", "started_at", "processed_at", "chosen_at", "updated_at")
"""The columns by which rows are put into days: the first that a table has, else any moment."""

_STANDING: Final = {
    "delivery_attempt": "integer",
    "delivery_status": "text",
    "error_code": "text",
    "error_message": "text",
}
_LOG: Final = {
    "partition": "integer",
    "offset": "bigint",
    "appended_at": "timestamptz",
    "id": "text",
    "type": "text",
    "sequence": "bigint",
    "time": "timestamptz",
    "tenant_id": "text",
    "chat_id": "text",
    "source": "text",
    "causation_id": "text",
    "correlation_id": "text",
    "data": "jsonb",
}
LOGS: Final = ("events", "inbox")
_DISTINCT: Final = frozenset(
    {"offset", "appended_at", "id", "time", "sequence", "causation_id", "correlation_id", "data"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One thing that can be exported: its columns with PostgreSQL's types, and its day."""

    name: str
    columns: Mapping[str, str]
    day: str
    key: tuple[str, ...] = ()
    distinct: frozenset[str] = frozenset()
    """Columns whose values hardly ever come again."""

    @property
    def is_log(self) -> bool:
        """Whether it is a topic; else it is a table."""
        return not self.key


def _of_table(table: Table) -> Shape:
    columns = {**table.key, **table.columns, **dict.fromkeys(table.lookups, "text")}
    if table.has_standing:
        columns |= _STANDING
    if "tenant_id" in columns and table.name != "tenants":
        columns |= {"last_seq": "bigint"}
    moments = [name for name, of in columns.items() if of == "timestamptz"]
    day = next(name for name in (*DAYS, *moments) if name in columns)
    return Shape(name=table.name, columns=columns, day=day, key=tuple(table.key))


def _shapes() -> dict[str, Shape]:
    logs = [Shape(name=name, columns=_LOG, day="time", distinct=_DISTINCT) for name in LOGS]
    projections = (registry.TABLES, registry.TENANTS)
    tables = [_of_table(table) for one in projections for table in one.tables]
    return {shape.name: shape for shape in (*logs, *tables)}


SHAPES: Final[Mapping[str, Shape]] = _shapes()
"""Everything that can be exported, by name."""
