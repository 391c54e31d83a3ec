"""Tables in PostgreSQL: a batch's rows and the offset behind it, in one transaction."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import asyncpg

from projections import metrics, parked_facts
from projections.claims import Claim, claim, settled
from projections.fold import Folded, fold
from projections.merging import Merge
from projections.registry import Projection
from projections.rows import Key, Write
from projections.sink import (
    Fenced,
    Move,
    Parked,
    ProjectionRefused,
    SinkUnavailable,
    Unwritable,
)
from projections.staging import Stage, Staged

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
    Step = Callable[[Connection], Awaitable[None]]

T = TypeVar("T")

log = logging.getLogger(__name__)

TRANSIENT: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that breaks at the wrong moment
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
)

_OF_A_ROW: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    ValueError,
    TypeError,
    OverflowError,
)
_UNWRITABLE: Final = (asyncpg.PostgresError, ValueError, TypeError, OverflowError)

_ACQUIRE_SECONDS: Final = 30
CLAIMED: Final = "messages_platform_message_id"

# A frozen writer must not hold its successor up for longer than this. Hash and merge joins are
# off because a stage is never analysed: by index, a merge costs the batch and not the table.
_SETTINGS: Final = """
SET LOCAL client_min_messages = warning;
SET LOCAL statement_timeout = '60s';
SET LOCAL idle_in_transaction_session_timeout = '15s';
SET LOCAL jit = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
"""
_POSITION: Final = """
SELECT next_offset FROM {schema}.projection_offsets
WHERE projection = $1 AND topic = $2 AND partition = $3
"""
_FIRST: Final = """
INSERT INTO {schema}.projection_offsets (projection, topic, partition, next_offset, updated_at)
VALUES ($1, $2, $3, $4, now()) ON CONFLICT DO NOTHING RETURNING true
"""
_MOVE: Final = """
UPDATE {schema}.projection_offsets SET next_offset = $4, updated_at = now()
WHERE projection = $1 AND topic = $2 AND partition = $3 AND next_offset = $5
  AND coalesce((SELECT version FROM {schema}.projection_versions WHERE projection = $1), $6) = $6
RETURNING true
"""
_RECORD_VERSION: Final = """
INSERT INTO {schema}.projection_versions (projection, version, since) VALUES ($1, $2, now())
ON CONFLICT DO NOTHING
"""
_VERSION: Final = "SELECT version FROM {schema}.projection_versions WHERE projection = $1"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"
_COLUMNS: Final = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
"""
_HOLDERS: Final = """
SELECT m.chat_id::text, m.platform_message_id, m.message_id::text
FROM unnest($1::uuid[], $2::text[]) c (chat_id, platform_message_id)
JOIN messages m USING (chat_id, platform_message_id)
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch writes, and the same as rows for the stages."""

    writes: Sequence[Write]
    staged: Sequence[tuple[Merge, Staged]]
    parked: Sequence[Parked] = ()

    @property
    def rows(self) -> int:
        """How many rows it touches."""
        return sum(len(staged.records) for _, staged in self.staged)


class PostgresSink(Generic[T]):
    """The one writer of a projection's tables; several may run, the partitions shared out."""

    def __init__(
        self,
        pool: "Pool",
        schema: str,
        projection: Projection[T],
        *,
        reach: Callable[[str], None],
        settings: str = "",
    ) -> None:
        self._pool = pool
        self._schema = schema
        self._settings = f"{_SETTINGS} SET LOCAL search_path TO {schema}; {settings}"
        self._projection = projection
        self._reach = reach
        self._merges = [Merge(Stage(table)) for table in projection.tables]

    async def start(self) -> None:
        """Refuse to go on with rows that another version of the projection has made."""
        name, version = self._projection.name, self._projection.version
        async with self.transaction() as connection:
            await connection.execute(self._sql(_RECORD_VERSION), name, version)
            await self._refuse_other_version(connection)
            await self._define(connection)

    async def _define(self, connection: "Connection") -> None:
        """Make the tables that no migration makes; refuse those that are of another shape."""
        if not self._projection.definition:
            return
        await connection.execute(_LOCK, f"{self._schema} {self._projection.name}")
        await connection.execute(self._projection.definition)
        for merge in self._merges:
            table = merge.stage.table
            found = {row["attname"] for row in await connection.fetch(_COLUMNS, table.name)}
            own = set() if table.has_totals else {"last_seq"}
            if missing := {*table.key, *table.columns, *own} - found:
                raise ProjectionRefused(
                    f"Table {table.name} of projection {self._projection.name} lacks"
                    f" {', '.join(sorted(missing))}: name the columns in its SQL. If the table is"
                    " there from before, raise the projection's version and build it anew."
                )

    async def position(self, topic: str, partition: int) -> int | None:
        """The offset of the first record whose rows are not there.

        The rows may have been replaced by those of another version since we began.
        """
        async with self.transaction() as connection:
            await self._refuse_other_version(connection)
            row = (self._projection.name, topic, partition)
            stored: int | None = await connection.fetchval(self._sql(_POSITION), *row)
        return stored

    async def confirm(self, topic: str, partition: int, position: int | None) -> None:
        """Leave it to the next write: a database does not forget."""

    def prepare(self, batch: Sequence[T]) -> Batch:
        """The batch folded to its fewest rows."""
        return self.batch_of(self.writes(batch))

    def writes(self, batch: Sequence[T]) -> list[Write]:
        """What the batch changes, one write after the other."""
        return [write for one in batch for write in self._projection.evolve(one)]

    def batch_of(self, writes: Sequence[Write]) -> Batch:
        """The writes folded to their fewest rows."""
        return Batch(writes, self._staged(fold(writes)))

    async def waiting(self, topic: str, partition: int) -> frozenset[bytes]:
        """The keys whose facts wait behind one that cannot be folded."""
        async with self.transaction() as connection:
            place = (self._projection.name, topic, partition)
            return await parked_facts.keys(connection, place)

    def parking(self, prepared: Batch, parked: Sequence[Parked]) -> Batch:
        """The same batch, and what waits from then on."""
        return replace(prepared, parked=parked)

    async def write(self, prepared: Batch, move: Move) -> None:
        """Merge the rows and move the offset, or change nothing."""
        await self.write_with(prepared, partial(self._move, batch=prepared, move=move), str(move))

    async def write_with(self, batch: Batch, step: "Step", what: str) -> None:
        """Merge the rows in the transaction of `step`, which comes first and takes the lock."""
        with self.refusing(what):
            await self._commit_settled(batch, step, what)

    @contextmanager
    def refusing(self, what: str) -> Iterator[None]:
        """Raise `Unwritable` or `ProjectionRefused` where PostgreSQL does not take it."""
        try:
            yield
        except _UNWRITABLE as error:
            kind = Unwritable if isinstance(error, _OF_A_ROW) else ProjectionRefused
            raise kind(
                f"Projection {self._projection.name} cannot write {what}: {_without_values(error)}."
                " Nothing was skipped. This is a defect of Chatfold: please report it."
            ) from error

    async def _commit_settled(self, batch: Batch, step: "Step", what: str) -> None:
        try:
            await self._commit(batch, step)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != CLAIMED:
                raise
            log.warning("platform message id claimed twice, first one keeps it: %s", what)
            metrics.CLAIMED_TWICE.inc()
            await self._commit(await self._settled(batch), step)

    async def _commit(self, batch: Batch, step: "Step") -> None:
        async with self.transaction() as connection:
            self._reach("projector.before_copy")
            await self._stage(connection, batch)
            await step(connection)
            await self._merge(connection, batch)
            self._reach("projector.before_commit")
        self._reach("projector.after_commit")

    async def _stage(self, connection: "Connection", batch: Batch) -> None:
        if not batch.staged:
            return
        await connection.execute(";".join(merge.stage.definition for merge, _ in batch.staged))
        for merge, staged in batch.staged:
            done = await connection.copy_records_to_table(
                merge.stage.name,
                schema_name="pg_temp",
                columns=staged.columns,
                records=staged.records,
            )
            if done != f"COPY {len(staged.records)}":
                raise AssertionError(f"{len(staged.records)} rows to stage, but {done}")

    async def _move(self, connection: "Connection", batch: Batch, move: Move) -> None:
        """Take the partition's lock before any row's, so that two writers never deadlock."""
        row = (self._projection.name, move.topic, move.partition, move.end)
        if move.begin is None:
            moved = await connection.fetchval(self._sql(_FIRST), *row)
        else:
            step = (move.begin, self._projection.version)
            moved = await connection.fetchval(self._sql(_MOVE), *row, *step)
        if not moved:
            raise Fenced(f"{self._projection.name}: {move}: the stored offset is another one")
        if batch.parked:
            await parked_facts.add(connection, row[:3], batch.parked)

    async def _merge(self, connection: "Connection", batch: Batch) -> None:
        """One round trip, during which the next batch can be decoded."""
        statements = [
            merge.statement(part, changed)
            for merge, staged in batch.staged
            for part, changed in sorted(staged.changed.items())
        ]
        if statements:
            await connection.execute(";".join(statements))

    async def _refuse_other_version(self, connection: "Connection") -> None:
        name, version = self._projection.name, self._projection.version
        stored = await connection.fetchval(self._sql(_VERSION), name)
        if stored is not None and stored != version:
            raise ProjectionRefused(
                f"The rows of projection {name} in schema {self._schema} are of version {stored},"
                f" this program makes version {version}. Build them anew beside the old ones, which"
                f" stay readable meanwhile: `chatfold projections rebuild {name}`, then"
                f" `chatfold projections promote {name}`."
            )

    def _sql(self, statement: str) -> str:
        """The statement for our schema alone: never that of another on the search path."""
        return statement.format(schema=self._schema)

    async def _settled(self, batch: Batch) -> Batch:
        """The batch without the claims that come second."""
        claims = sorted({wanted for wanted in map(claim, batch.writes) if wanted is not None})
        async with self.transaction() as connection:
            rows = await connection.fetch(_HOLDERS, *map(list, zip(*claims, strict=True)))
        holders: dict[Claim, Key] = {(row[0], row[1]): (row[2],) for row in rows}
        return replace(self.batch_of(list(settled(batch.writes, holders))), parked=batch.parked)

    def _staged(self, tables: Mapping[str, Folded]) -> list[tuple[Merge, Staged]]:
        return [
            (merge, merge.stage.rows(folded))
            for merge in self._merges
            if (folded := tables.get(merge.stage.table.name))
        ]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Connection"]:
        """A transaction in our schema; raises `SinkUnavailable` where trying again may help."""
        try:
            async with self._pool.acquire(timeout=_ACQUIRE_SECONDS) as connection:
                with _ended_if_broken(connection):
                    async with connection.transaction():
                        await connection.execute(self._settings)
                        yield connection
        except TRANSIENT as error:
            if isinstance(error, ValueError):  # a value that asyncpg cannot encode
                raise
            raise SinkUnavailable(f"{type(error).__name__}: {error}") from error


def _without_values(error: Exception) -> str:
    """What went wrong, without what people wrote: details of an error may quote a row."""
    name = type(error).__name__
    return f"{name}: {error.args[0]}" if isinstance(error, asyncpg.PostgresError) else name


@contextmanager
def _ended_if_broken(connection: "Connection") -> Iterator[None]:
    """Never give a connection back whose state nobody knows."""
    try:
        yield
    except TRANSIENT:
        connection.terminate()
        raise
