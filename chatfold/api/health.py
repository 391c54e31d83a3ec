"""Whether the API could do its work now."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from chatfold.eventlog import EventLog, KafkaUnreachable
from chatfold.operations import Tables, TablesAway

REACH_SECONDS: Final = 1.5


def readiness(log: EventLog, tables: Tables) -> Callable[[], Awaitable[Sequence[str]]]:
    """Tells which server does not answer."""

    async def unready() -> Sequence[str]:
        reasons = await asyncio.gather(_log(log), _tables(tables))
        return [reason for reason in reasons if reason]

    return unready


async def _log(log: EventLog) -> str | None:
    try:
        await log.reach(REACH_SECONDS)
    except KafkaUnreachable as unreachable:
        return str(unreachable)
    return None


async def _tables(tables: Tables) -> str | None:
    try:
        async with asyncio.timeout(REACH_SECONDS), tables() as connection:
            await connection.execute("SELECT 1")
    except TablesAway as away:
        return str(away)
    except TimeoutError:
        return f"PostgreSQL does not answer within {REACH_SECONDS:g} s"
    return None
