"""The ledger in PostgreSQL: one statement for all who claim at the same time."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Self

import asyncpg

from chatfold import database
from chatfold.ledger.batches import BATCH_SECONDS, Batches
from chatfold.ledger.queries import ID, Queries, affected
from streams.ports import Claim, Claimed, Clock, Finished, Unavailable, Unfinished

if TYPE_CHECKING:
    from chatfold.database import Pool

AWAY: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
CLOSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Row:
    """An effect as it stands; `result` is None while it is unfinished."""

    run_id: str
    result: bytes | None


def new_run_id(now: datetime) -> str:
    """An id for this start of the process, unlike that of any other."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(8)}"


class PostgresLedger:
    """Effects of one deployment, claimed in the name of one run; `async with` ends it in order.

    A claim whose answer got lost on the way is handed out to the next who asks in this run,
    as nobody can have acted on it.
    """

    def __init__(self, pool: "Pool", schema: str, *, run_id: str, now: Clock) -> None:
        self._pool = pool
        self._queries = Queries(database.quoted(schema), run_id)
        self._run_id = run_id
        self._now = now
        self._handed_out: set[str] = set()
        self._not_handed_out: set[str] = set()
        self._claims = Batches[str, None, _Row]("claim", self._claim_all, AWAY)
        self._results = Batches[str, bytes, bytes]("finish", self._finish_all, AWAY)

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give back what was claimed for somebody who did not wait for it."""
        await self._claims.settle(CLOSE_SECONDS)
        await self._results.settle(CLOSE_SECONDS)
        unused = self._not_handed_out - self._handed_out
        if unused:
            with contextlib.suppress(Unavailable):
                await self._release(list(unused))

    async def claim(self, effect_id: str) -> Claim:
        """Whether we may act; raises `Unavailable`, and `ValueError` on what is no id."""
        if not ID.fullmatch(effect_id):
            raise ValueError("not an id that the ledger can hold")
        asked_at = asyncio.get_running_loop().time()
        row = await self._claims.ask(effect_id, None)
        self._not_handed_out.discard(effect_id)
        if row.result is not None:
            return Finished(row.result)
        if row.run_id != self._run_id or effect_id in self._handed_out:
            return Unfinished()
        self._handed_out.add(effect_id)
        return Claimed(asked_at)

    async def holds(self, effect_id: str) -> bool:
        """Whether the effect is still ours and unfinished; raises `Unavailable`."""
        with _unavailable():
            async with asyncio.timeout(BATCH_SECONDS):
                row = (await self._find([effect_id])).get(effect_id)
        return row is not None and row.run_id == self._run_id and row.result is None

    async def finish(self, effect_id: str, result: bytes) -> bytes:
        """The result that stands from now on, the first one noted; raises `Unavailable`."""
        noted = await self._results.ask(effect_id, result)
        self._handed_out.discard(effect_id)
        return noted

    async def release(self, effect_id: str) -> None:
        """Give a claim back that was not acted upon; raises `Unavailable`."""
        await self._release([effect_id])
        self._handed_out.discard(effect_id)

    async def _claim_all(self, asked: Mapping[str, None]) -> dict[str, _Row]:
        self._not_handed_out.update(asked)
        taken = affected(await self._pool.execute(self._queries.claim(asked, self._now())))
        if taken == len(asked):
            return dict.fromkeys(asked, _Row(self._run_id, None))
        return await self._find(list(asked))

    async def _finish_all(self, given: Mapping[str, bytes]) -> dict[str, bytes]:
        noted = affected(await self._pool.execute(self._queries.finish(given, self._now())))
        if noted == len(given):
            return dict(given)
        found = await self._find(list(given))
        return dict(given) | {one: row.result for one, row in found.items() if row.result}

    async def _find(self, ids: Sequence[str]) -> dict[str, _Row]:
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            rows = await connection.fetch(self._queries.find, ids)
        return {row["effect_id"]: _row(row) for row in rows}

    async def _release(self, ids: Sequence[str]) -> None:
        with _unavailable():
            async with (
                asyncio.timeout(CLOSE_SECONDS),
                self._pool.acquire() as connection,
                connection.transaction(),
            ):
                await connection.execute(self._queries.release, ids, self._run_id)


def _row(row: asyncpg.Record) -> _Row:
    return _Row(row["run_id"], row["result"].encode() if row["finished"] else None)


@contextlib.contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except AWAY as error:
        raise Unavailable(f"the ledger: {error!r}") from None
