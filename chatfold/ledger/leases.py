"""Leases on effects in PostgreSQL: dear effects that one at a time is at, for as long as it lives.

A lease is a row of `effects` whose `started_at` its holder sets anew every few seconds; one that
is old has lost its holder and goes to the next who asks. A result ends it for good.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Self

from chatfold import database
from chatfold.ledger.ledger import AWAY
from chatfold.ledger.queries import ID, affected
from streams.ports import Busy, Claimed, Clock, Finished, Unavailable

if TYPE_CHECKING:
    from chatfold.database import Pool

logger = logging.getLogger(__name__)

LEASE_SECONDS: Final = 20.0
RENEWALS: Final = 4
"""In the time of one lease: three may fail."""

STATEMENT_SECONDS: Final = 10.0

_TAKE: Final = """
INSERT INTO effects AS held (effect_id, run_id, started_at) VALUES ($1, $2, $3)
ON CONFLICT (effect_id) DO UPDATE SET run_id = EXCLUDED.run_id, started_at = EXCLUDED.started_at
WHERE held.finished_at IS NULL AND (held.run_id = $2 OR held.started_at < $4)
RETURNING effect_id
"""
_RESULT: Final = "SELECT result FROM effects WHERE effect_id = $1 AND finished_at IS NOT NULL"
_RENEW: Final = """
UPDATE effects SET started_at = $3
WHERE effect_id = ANY($1::text[]) AND run_id = $2 AND finished_at IS NULL
"""
_FINISH: Final = """
UPDATE effects SET finished_at = $2, result = $3::jsonb
WHERE effect_id = $1 AND finished_at IS NULL
"""
_RELEASE: Final = """
DELETE FROM effects WHERE effect_id = $1 AND run_id = $2 AND finished_at IS NULL
"""


class PostgresLeases:
    """Leases in the name of one run; `async with` renews them, and lets go of them at the end.

    `now` is compared with what other processes wrote: their clocks must agree within seconds.
    """

    def __init__(
        self,
        pool: "Pool",
        schema: str,
        *,
        run_id: str,
        now: Clock,
        seconds: float = LEASE_SECONDS,
    ) -> None:
        self._pool = pool
        self._schema = database.quoted(schema)
        self._run_id = run_id
        self._now = now
        self._seconds = seconds
        self._held: set[str] = set()

    async def __aenter__(self) -> Self:
        """Begin to renew."""
        self._renewing = asyncio.create_task(self._renew())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Renew no more, and let go."""
        self._renewing.cancel()
        await asyncio.wait([self._renewing])
        for effect_id in list(self._held):
            with suppress(Unavailable):
                await self.release(effect_id)

    async def take(self, effect_id: str) -> Claimed | Finished | Busy:
        """Whether we may act; raises `Unavailable`, and `ValueError` on what is no id."""
        if not ID.fullmatch(effect_id):
            raise ValueError("not an id that the ledger can hold")
        asked_at, now = asyncio.get_running_loop().time(), self._now()
        oldest = now - timedelta(seconds=self._seconds)
        if await self._execute(_TAKE, effect_id, self._run_id, now, oldest):
            self._held.add(effect_id)
            return Claimed(asked_at)
        result = await self._result(effect_id)
        return Busy() if result is None else Finished(result)

    async def finish(self, effect_id: str, result: bytes) -> bytes:
        """The result that stands from now on, the first one noted; raises `Unavailable`."""
        noted = await self._execute(_FINISH, effect_id, self._now(), result.decode())
        self._held.discard(effect_id)
        if noted:
            return result
        return await self._result(effect_id) or result

    async def release(self, effect_id: str) -> None:
        """Let others have it; raises `Unavailable`, and then it ends by itself."""
        self._held.discard(effect_id)
        await self._execute(_RELEASE, effect_id, self._run_id)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / RENEWALS)
            if self._held:
                try:
                    await self._execute(_RENEW, list(self._held), self._run_id, self._now())
                except Unavailable as error:
                    logger.warning("%s leases are not renewed: %s", len(self._held), error)

    async def _execute(self, statement: str, *values: object) -> int:
        """The number of rows that it touched."""
        try:
            async with (
                asyncio.timeout(STATEMENT_SECONDS),
                database.transaction(self._pool, self._schema) as connection,
            ):
                return affected(await connection.execute(statement, *values))
        except AWAY as error:
            raise Unavailable(f"the ledger: {error!r}") from None

    async def _result(self, effect_id: str) -> bytes | None:
        try:
            async with (
                asyncio.timeout(STATEMENT_SECONDS),
                database.transaction(self._pool, self._schema) as connection,
            ):
                found = await connection.fetchval(_RESULT, effect_id)
        except AWAY as error:
            raise Unavailable(f"the ledger: {error!r}") from None
        return None if found is None else str(found).encode()
