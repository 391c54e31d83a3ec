"""The statements that merge a stage into its table; a row never sees a fact twice."""

from collections.abc import Iterable, Sequence
from typing import Final

from projections.staging import UPSERT, Stage

# Of two standings the greater stays, as in rows.Standing; text is compared by code point.
_AHEAD: Final = """(s.delivery_attempt IS NOT NULL AND (t.delivery_attempt IS NULL OR
    (s.delivery_attempt, s.delivery_status::delivery_status,
     s.error_code COLLATE "C", s.error_message COLLATE "C")
  > (t.delivery_attempt, t.delivery_status,
     coalesce(t.error_code, '') COLLATE "C", coalesce(t.error_message, '') COLLATE "C")))"""

_STANDING: Final = {
    "delivery_attempt": "s.delivery_attempt",
    "delivery_status": "s.delivery_status::delivery_status",
    "error_code": "nullif(s.error_code, '')",
    "error_message": "nullif(s.error_message, '')",
}


class Merge:
    """Writes the statements of one table, and remembers them: batches of a kind are alike."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._written: dict[tuple[int, frozenset[str]], str] = {}

    def statement(self, part: int, assigned: frozenset[str]) -> str:
        """The statement that merges `part` of the stage, whose rows assign these columns."""
        known = self._written.get((part, assigned))
        if known is None:
            if self.stage.table.has_totals:
                known = self._add(sorted(assigned))
            else:
                known = self._upsert(assigned) if part == UPSERT else self._patch(part, assigned)
            self._written[part, assigned] = known
        return known

    def _patch(self, part: int, assigned: Iterable[str]) -> str:
        """Rows that are not there are not made."""
        return (
            f"UPDATE {self.stage.table.name} t SET {self._assignments(assigned)}"  # noqa: S608  # names from tables.py
            f" FROM pg_temp.{self.stage.name} s"
            f" WHERE s.part = {part} AND {self._same_row()} AND t.last_seq < s.last_seq"
        )

    def _upsert(self, assigned: Iterable[str]) -> str:
        """MERGE costs what INSERT … ON CONFLICT does, and sees which columns a row assigns.

        It does not mind the race that ON CONFLICT is for: the partition's offset is locked.
        """
        values = self._values()
        clauses = (
            f"MERGE INTO {self.stage.table.name} t",
            f"USING (SELECT * FROM pg_temp.{self.stage.name} WHERE part = {UPSERT}) s",  # noqa: S608  # as above
            f"ON {self._same_row()}",
            "WHEN MATCHED AND t.last_seq < s.last_seq",
            f"THEN UPDATE SET {self._assignments(assigned)}",
            "WHEN NOT MATCHED",
            f"THEN INSERT ({', '.join(values)}) VALUES ({', '.join(values.values())})",  # noqa: S608
        )
        return " ".join(clauses)

    def _add(self, totals: Sequence[str]) -> str:
        """Rows may be made by another partition at the same time: MERGE would not bear that."""
        table = self.stage.table
        key = ", ".join(table.key)
        values = [_cast(name, kind) for name, kind in table.key.items()]
        amounts = [f"coalesce(s.{name}, 0)::{table.columns[name]}" for name in totals]
        sums = (f"{name} = t.{name} + excluded.{name}" for name in totals)
        return (
            f"INSERT INTO {table.name} AS t ({', '.join((*table.key, *totals))})"  # noqa: S608  # as above
            f" SELECT {', '.join((*values, *amounts))} FROM pg_temp.{self.stage.name} s"
            f" ORDER BY {', '.join(f's.{name}' for name in table.key)}"
            f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(sums)}"
        )

    def _same_row(self) -> str:
        """Types that a stage holds as text are cast, so that the key's index serves."""
        table, staged = self.stage.table, self.stage.types
        return " AND ".join(
            f"t.{name} = {f's.{name}' if staged[name] == kind else _cast(name, kind)}"
            for name, kind in table.key.items()
        )

    def _assignments(self, assigned: Iterable[str]) -> str:
        """Only what some row assigns: what is not named is not computed again."""
        columns, bits = self.stage.table.columns, self.stage.bits
        parts = ["last_seq = s.last_seq"]
        for name in sorted(assigned):
            value = _cast(name, columns[name])
            if name in self.stage.table.kept:
                parts.append(f"{name} = coalesce(t.{name}, {value})")
            else:
                is_assigned = f"s.mask & {bits[name]} <> 0"
                parts.append(f"{name} = CASE WHEN {is_assigned} THEN {value} ELSE t.{name} END")
        if self.stage.table.has_standing:
            parts += [
                f"{name} = CASE WHEN {_AHEAD} THEN {value} ELSE t.{name} END"
                for name, value in _STANDING.items()
            ]
        return ", ".join(parts)

    def _values(self) -> dict[str, str]:
        """What a new row is made of."""
        table = self.stage.table
        plain = {**table.key, **table.columns}
        return {
            "last_seq": "s.last_seq",
            **{name: _cast(name, kind) for name, kind in plain.items()},
            **(_STANDING if table.has_standing else {}),
            **table.lookups,
        }


def _cast(name: str, kind: str) -> str:
    return f"s.{name}::{kind}"
