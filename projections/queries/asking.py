"""How a statement is asked, and how its rows come."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

Found = dict[str, object]
Place = tuple[datetime, str]
"""Where a page ended: the time and the id of its last row."""


async def rows(connection: "Connection", statement: str, *values: object) -> list[Found]:
    """All rows of the statement."""
    return [dict(row) for row in await connection.fetch(statement, *values)]


def place_of(before: Place | None) -> tuple[datetime | None, UUID | None]:
    """The place as two values of a statement, null where the list begins."""
    return (before[0], UUID(before[1])) if before else (None, None)
