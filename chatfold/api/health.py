"""Whether the API could do its work now."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from chatfold.eventlog import EventLog, KafkaUnreachable
from chatfold.operations import Tables, TablesAway
from chatfold.tenancy import TenantDirectory

REACH_SECONDS: Final = 1.5


def readiness(
    log: EventLog, tables: Tables, directory: TenantDirectory
) -> Callable[[], Awaitable[Sequence[str]]]:
    """Tells which server does not answer, and whether tenants are followed."""

    async def unready() -> Sequence[str]:
        reasons = await asyncio.gather(_log(log), _tables(tables))
        deaf = None if directory.is_following else "the tenants topic is not followed any more"
        return [reason for reason in (*reasons, deaf) if reason]

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
