"""The table of facts that wait: poison ones, and those of the same chat behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from projections import rows
from projections.sink import Fenced, Parked

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

Place = tuple[str, str, int]
"""Projection, topic and partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoisonFact:
    """The first fact of a chat that waits, and how many wait behind it."""

    projection: str
    topic: str
    partition: int
    offset: int
    key: bytes
    reason: str
    parked_at: datetime
    behind: int

    @property
    def origin(self) -> str:
        """Its place in the log, as dead letters name it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


_HERE: Final = "projection = $1 AND topic = $2 AND partition = $3"

_KEYS: Final = f"SELECT DISTINCT key FROM parked_facts WHERE {_HERE}"  # noqa: S608
_OF_KEYS: Final = f"{_KEYS} AND key = ANY($4::bytea[])"
_ADD: Final = """
INSERT INTO parked_facts (projection, topic, partition, record_offset, key, value, header_names,
                          header_values, logged_at, reason, stack)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_LOCK: Final = f"SELECT true FROM projection_offsets WHERE {_HERE} FOR UPDATE"  # noqa: S608
_FIRST: Final = f"""
SELECT record_offset, key, value, header_names, header_values, logged_at, reason, stack
FROM parked_facts WHERE {_HERE} AND key = $4 ORDER BY record_offset LIMIT $5
"""  # noqa: S608
_REMOVE: Final = f"""
DELETE FROM parked_facts WHERE {_HERE} AND record_offset = ANY($4::bigint[]) RETURNING record_offset
"""  # noqa: S608
_BLAME: Final = f"""
UPDATE parked_facts SET reason = $5, stack = $6 WHERE {_HERE} AND record_offset = $4
"""  # noqa: S608
_POISON: Final = """
SELECT DISTINCT ON (projection, topic, partition, key) projection, topic, partition,
       record_offset, key, coalesce(reason, '') AS reason, parked_at,
       count(*) OVER (PARTITION BY projection, topic, partition, key) - 1 AS behind
FROM parked_facts ORDER BY projection, topic, partition, key, record_offset
"""


async def keys(connection: "Connection", place: Place) -> frozenset[bytes]:
    """The keys of what waits."""
    return frozenset(row["key"] for row in await connection.fetch(_KEYS, *place))


async def offsets(connection: "Connection", schema: str, place: Place) -> frozenset[int]:
    """The places in the log of what waits beside the tables of a schema."""
    statement = f"SELECT record_offset FROM {schema}.parked_facts WHERE {_HERE}"  # noqa: S608  # checked names
    return frozenset(row[0] for row in await connection.fetch(statement, *place))


async def add(connection: "Connection", place: Place, parked: Sequence[Parked]) -> None:
    """Let them wait; raises `Fenced` if one waits behind nothing: somebody has let them go."""
    poison = {one.key for one in parked if one.reason is not None}
    behind = {one.key for one in parked} - poison
    if behind:
        found = await connection.fetch(_OF_KEYS, *place, list(behind))
        if len(found) != len(behind):
            raise Fenced(f"{place}: facts that others waited behind are there by now")
    await connection.executemany(_ADD, [(*place, *_row(one)) for one in parked])


async def lock(connection: "Connection", place: Place) -> None:
    """Keep the partition's writer out until the transaction ends."""
    await connection.fetchval(_LOCK, *place)


async def first(connection: "Connection", place: Place, key: bytes, limit: int) -> list[Parked]:
    """The first of those of `key` that wait, in the order of the log."""
    found = await connection.fetch(_FIRST, *place, key, limit)
    return [
        Parked(
            offset=row["record_offset"],
            timestamp=row["logged_at"],
            key=row["key"],
            value=row["value"],
            headers=list(zip(row["header_names"], row["header_values"], strict=True)),
            reason=row["reason"],
            stack=row["stack"] or "",
        )
        for row in found
    ]


async def remove(connection: "Connection", place: Place, offsets: Sequence[int]) -> int:
    """How many of these waited; they do not any more."""
    return len(await connection.fetch(_REMOVE, *place, list(offsets)))


async def blame(
    connection: "Connection", place: Place, offset: int, reason: str, stack: str
) -> None:
    """Name the one that the others wait behind."""
    await connection.execute(_BLAME, *place, offset, rows.text(reason), rows.text(stack))


async def poison(connection: "Connection") -> list[PoisonFact]:
    """The facts that others wait behind, or could."""
    return [
        PoisonFact(
            projection=row["projection"],
            topic=row["topic"],
            partition=row["partition"],
            offset=row["record_offset"],
            key=row["key"],
            reason=row["reason"],
            parked_at=row["parked_at"],
            behind=row["behind"],
        )
        for row in await connection.fetch(_POISON)
    ]


def _row(one: Parked) -> tuple[object, ...]:
    names, values = zip(*one.headers, strict=True) if one.headers else ((), ())
    return (
        one.offset,
        one.key,
        one.value,
        list(names),
        list(values),
        one.timestamp,
        rows.text(one.reason),
        rows.text(one.stack),
    )
