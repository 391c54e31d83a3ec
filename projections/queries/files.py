"""The file of a message, as it is kept."""

from typing import TYPE_CHECKING, Final
from uuid import UUID

from projections.queries.asking import Found, rows

if TYPE_CHECKING:
    from projections.queries.asking import Connection

_FILE: Final = """
SELECT message_id::text, tenant_id, chat_id::text, kind::text, media_description AS name,
       media_mime AS mime, media_size AS size, media_sha256 AS sha256, media_key AS key,
       media_thumbnail_key AS thumbnail_key
FROM messages WHERE message_id = $1 AND media_key IS NOT NULL AND deleted_at IS NULL
"""


async def file(connection: "Connection", message_id: str) -> Found | None:
    """What is kept of a message; None where nothing is, or its sender has taken it back."""
    found = await rows(connection, _FILE, UUID(message_id))
    return found[0] if found else None
