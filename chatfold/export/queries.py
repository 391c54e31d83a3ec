"""SQL of the messages that are old enough to leave their table; `{schema}` is a checked name."""

from typing import Final

_OLD: Final = """
    m.created_at < $1::timestamptz
    AND m.delivery_status IS DISTINCT FROM 'pending'
    AND NOT EXISTS (
        SELECT FROM {schema}.delivery_attempts a
        WHERE a.reply_id = m.message_id AND a.waiting_for IS NOT NULL
    )
"""
_OF_DAY: Final = f"""
    {_OLD}
    AND m.tenant_id = $2::text
    AND m.created_at >= $3::timestamptz AND m.created_at < $3::timestamptz + INTERVAL '1 day'
"""
DAYS: Final = f"""
    SELECT m.tenant_id, (m.created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS messages
    FROM {{schema}}.messages m
    WHERE {_OLD} AND ($2::text IS NULL OR m.tenant_id = $2::text)
    GROUP BY 1, 2
    ORDER BY 2, 1
"""  # noqa: S608  # text of our own
ROWS: Final = f"""
    SELECT {{columns}} FROM {{schema}}.messages m WHERE {_OF_DAY}
    ORDER BY m.created_at, m.message_id
"""  # noqa: S608  # text of our own
DELETE: Final = f"DELETE FROM {{schema}}.messages m WHERE {_OF_DAY}"  # noqa: S608  # as above
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('chatfold archive {schema}', 0))"
