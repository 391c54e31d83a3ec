"""The tables in memory, changed by folded batches as the merge statements change them."""

from collections.abc import Iterable
from typing import Any

from projections.fold import Folded, fold
from projections.registry import TABLES
from projections.rows import Write
from schemas import codec
from schemas.envelope import Recorded
from schemas.facts import Fact
from tests.support import oracle


class Memory:
    """Tables that do with a folded batch what the merge statements do."""

    def __init__(self) -> None:
        self.rows: oracle.Tables = {table.name: {} for table in TABLES.tables}
        self.keys = {table.name: tuple(table.key) for table in TABLES.tables}

    def take(self, log: Iterable[Recorded[Fact]]) -> None:
        writes = [write for recorded in log for write in TABLES.evolve(recorded)]
        for table, folded in fold(writes).items():
            self.merge(table, folded)

    def merge(self, table: str, folded: Folded) -> None:
        for write in (*folded.before, *folded.patches, *folded.upserts):
            row = self.rows[table].get(write.key)
            if row is not None:
                if row["last_seq"] < write.sequence:
                    self.change(row, write)
            elif write.initial is not None:
                row = dict(zip(self.keys[table], write.key, strict=True)) | dict(write.initial)
                self.rows[table][write.key] = row
                self.change(row, write)

    def change(self, row: dict[str, Any], write: Write) -> None:
        row.update(write.assigned, last_seq=write.sequence)
        for name, value in write.kept.items():
            if row.get(name) is None:
                row[name] = value
        if write.standing is None:
            return
        if row.get("delivery_attempt") is None or write.standing > row["standing"]:
            row["standing"] = write.standing
            row["delivery_attempt"] = write.standing.attempt
            row["delivery_status"] = write.standing.status
            row["error_code"] = write.standing.error_code or None
            row["error_message"] = write.standing.error_message or None


def told(rows: oracle.Tables) -> oracle.Tables:
    """The rows without nulls, structures parsed, and without what a join would bring."""

    def plain(row: dict[str, Any]) -> dict[str, Any]:
        skipped = {"standing", "channel"} | ({"platform"} if "message_id" in row else set())
        found = {name: value for name, value in row.items() if name not in skipped}
        if isinstance(found.get("json_content"), str):
            found["json_content"] = codec.loads(found["json_content"].encode())
        return {name: value for name, value in found.items() if value is not None}

    return {name: {key: plain(row) for key, row in table.items()} for name, table in rows.items()}
