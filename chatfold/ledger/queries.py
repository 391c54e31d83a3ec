"""The ledger's statements. Rows are locked in the order of their ids, so that none deadlock."""

from typing import Final

LIKE_THE_CLAIMS: Final = "SET LOCAL synchronous_commit TO on"
"""A claim that a crash of the database could undo would let a second send happen."""

LIKE_THE_RESULTS: Final = "SET LOCAL synchronous_commit TO off"
"""A result that is lost with the database reads as unknown, and is not sent again."""

CLAIM: Final = """
INSERT INTO {schema}.effects (effect_id, run_id, started_at)
SELECT asked, $2, $3 FROM unnest($1::text[]) AS asked ORDER BY asked
ON CONFLICT (effect_id) DO NOTHING
RETURNING effect_id
"""

FIND: Final = """
SELECT effect_id, run_id, finished_at IS NOT NULL AS finished, result
FROM {schema}.effects WHERE effect_id = ANY($1::text[])
"""

FINISH: Final = """
WITH locked AS (
    SELECT e.effect_id, g.result
    FROM unnest($1::text[], $2::text[]) AS g (effect_id, result)
    JOIN {schema}.effects e USING (effect_id)
    WHERE e.finished_at IS NULL
    ORDER BY e.effect_id
    FOR UPDATE OF e
)
UPDATE {schema}.effects e SET finished_at = $3, result = locked.result::jsonb
FROM locked WHERE e.effect_id = locked.effect_id
RETURNING e.effect_id
"""

RELEASE: Final = """
DELETE FROM {schema}.effects
WHERE effect_id = ANY($1::text[]) AND run_id = $2 AND finished_at IS NULL
"""
