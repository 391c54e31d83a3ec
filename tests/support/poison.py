"""Projections that cannot fold one fact, each in its own way, and what becomes of it."""

from collections.abc import Callable
from dataclasses import replace

from chatfold import database
from chatfold.settings import Settings
from projections.postgres import PostgresSink
from projections.redrive import Redrive, RowsWait
from projections.registry import TABLES, LogRecord, Projection
from projections.rows import Write
from projections.sink import Waiters
from schemas import codec
from schemas.envelope import Record, Recorded
from schemas.facts import Fact

IsPoison = Callable[[str], bool]


def undecodable(is_poison: IsPoison, projection: Projection = TABLES) -> Projection:
    """As if a newer program had written the fact."""

    def decode(record: LogRecord) -> Recorded[Fact]:
        if is_poison(dict(record.headers)["ce_id"].decode()):
            raise codec.Undecodable("of a later version")
        return projection.decode(record)

    return replace(projection, decode=decode)


def unfoldable(is_poison: IsPoison, projection: Projection = TABLES) -> Projection:
    """As if a fold had a defect."""

    def evolve(recorded: Recorded[Fact]) -> list[Write]:
        if is_poison(recorded.id):
            raise ZeroDivisionError
        return list(projection.evolve(recorded))

    return replace(projection, evolve=evolve)


def unwritable(is_poison: IsPoison, projection: Projection = TABLES) -> Projection:
    """As if a fold made a row that PostgreSQL does not take."""

    def evolve(recorded: Recorded[Fact]) -> list[Write]:
        writes = list(projection.evolve(recorded))
        if is_poison(recorded.id):
            wrong = {"platform": "pigeon", "tenant_id": recorded.tenant}
            writes.append(Write("chats", (recorded.chat_id,), recorded.sequence, wrong))
        return writes

    return replace(projection, evolve=evolve)


WAYS = {"undecodable": undecodable, "unfoldable": unfoldable, "unwritable": unwritable}


class Grave:
    """Where dead letters go."""

    def __init__(self) -> None:
        self.letters: list[Record] = []

    async def bury(self, letter: Record) -> None:
        self.letters.append(letter)


async def waiting(settings: Settings) -> list[tuple[str, int, str | None]]:
    """What waits: its key, its place and why, in the order of the log."""
    rows = await _fetch(
        settings, "SELECT key, record_offset, reason FROM {}.parked_facts ORDER BY record_offset"
    )
    return [(row["key"].decode(), row["record_offset"], row["reason"]) for row in rows]


async def redrive(settings: Settings, projection: Projection = TABLES) -> list:
    """Take up everything that waits."""
    pool = await database.open_pool(settings.database, kept=1, extra=1)
    sink = PostgresSink(pool, settings.database_schema, projection, reach=lambda _: None)
    try:
        rows = await _fetch(settings, "SELECT DISTINCT topic, partition, key FROM {}.parked_facts")
        runs = Redrive(RowsWait(sink, projection))
        places = [Waiters(row["topic"], row["partition"], row["key"]) for row in rows]
        return [await runs.run(place) for place in places]
    finally:
        await pool.close()


async def _fetch(settings: Settings, statement: str) -> list:
    connection = await database.connect(settings.database)
    try:
        return await connection.fetch(statement.format(settings.database_schema))
    finally:
        await connection.close()
