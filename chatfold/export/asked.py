"""What a person asks an export to hold, and how it ends; no Arrow here, which is in an extra."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from chatfold import moments
from chatfold.export.part import Rows
from chatfold.export.shapes import Shape

Told = Callable[[int, int], None]
"""Is told how much is done, and of how much: offsets of a topic, rows of a table."""


class Format(StrEnum):
    """How files are written."""

    PARQUET = "parquet"
    JSONL = "jsonl"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows, and how, as it was told; an export that goes on must be told the same."""

    format: str
    tenant: str | None = None
    since: str | None = None
    until: str | None = None

    def rows(self, now: datetime) -> Rows:
        """What it means when it is told at `now`; raises `Refusal`."""
        since, until = (
            None if told is None else moments.moment(told, now) for told in (self.since, self.until)
        )
        return Rows(format=self.format, tenant=self.tenant, since=since, until=until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to export and how; `processes` is None where nobody chose."""

    shape: Shape
    choice: Choice
    again: bool = False
    processes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """How an export ended; `rows` and `files` are all that are there now."""

    what: str
    rows: int
    new_rows: int
    files: int
    where: str
    is_stopped: bool
