"""The ledger's statements.

Claims and results are written by one simple query each, one round trip, with their values
in the text: parameters would cost five, as they need a transaction around them behind
pgBouncer. The values cannot break out: ids are checked against `ID`, results are in hex.
Statements of a simple query are one transaction. Rows are locked in the order of their
ids, so that none deadlock.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

ID: Final = re.compile(r"[0-9A-Za-z._:-]{1,200}")

_CLAIM: Final = """
SET LOCAL synchronous_commit TO on;
INSERT INTO {schema}.effects (effect_id, run_id, started_at)
SELECT asked, '{run_id}', '{now}' FROM unnest(ARRAY[{ids}]) AS asked ORDER BY asked
ON CONFLICT (effect_id) DO NOTHING
"""
"""A claim that a crash of the database could undo would let a second send happen."""

_FINISH: Final = """
SET LOCAL synchronous_commit TO off;
WITH locked AS (
    SELECT e.effect_id, given.result
    FROM (VALUES {values}) AS given (effect_id, result)
    JOIN {schema}.effects e USING (effect_id)
    WHERE e.finished_at IS NULL
    ORDER BY e.effect_id
    FOR UPDATE OF e
)
UPDATE {schema}.effects e
SET finished_at = '{now}', result = convert_from(decode(locked.result, 'hex'), 'UTF8')::jsonb
FROM locked WHERE e.effect_id = locked.effect_id
"""
"""A result that is lost with the database reads as unknown, and is not sent again."""

_FIND: Final = """
SELECT effect_id, run_id, finished_at IS NOT NULL AS finished, result
FROM {schema}.effects WHERE effect_id = ANY($1::text[])
"""

_RELEASE: Final = """
DELETE FROM {schema}.effects
WHERE effect_id = ANY($1::text[]) AND run_id = $2 AND finished_at IS NULL
"""


class Queries:
    """The statements for one schema and one run; ids must match `ID`."""

    def __init__(self, schema: str, run_id: str) -> None:
        self._schema = schema
        self._run_id = _checked(run_id)
        self.find = _FIND.format(schema=schema)
        self.release = _RELEASE.format(schema=schema)

    def claim(self, ids: Iterable[str], now: datetime) -> str:
        """Claims what is not yet there."""
        quoted = ",".join(f"'{_checked(one)}'" for one in ids)
        return _CLAIM.format(
            schema=self._schema, run_id=self._run_id, now=now.isoformat(), ids=quoted
        )

    def finish(self, results: Mapping[str, bytes], now: datetime) -> str:
        """Notes the results of what is unfinished."""
        values = ",".join(f"('{_checked(one)}','{json.hex()}')" for one, json in results.items())
        return _FINISH.format(schema=self._schema, now=now.isoformat(), values=values)


def _checked(identifier: str) -> str:
    if not ID.fullmatch(identifier):
        raise ValueError("not an id that the ledger can hold")
    return identifier


def affected(status: str) -> int:
    """The rows that a statement touched, from its status as `INSERT 0 3`."""
    return int(status.rpartition(" ")[2])
