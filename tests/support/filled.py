"""Tables that hold what a log comes to, for whoever reads them."""

from collections.abc import Sequence
from typing import Any

from chatfold import database, migrate
from chatfold.settings import Settings
from projections.postgres import PostgresSink
from projections.registry import TABLES
from projections.sink import Move
from schemas.envelope import Recorded
from schemas.facts import Fact


async def fill(settings: Settings, log: Sequence[Recorded[Fact]]) -> None:
    """Fold the log into the settings' own schema."""
    await migrate.migrate(settings.database, settings.database_schema)
    pool = await database.open_pool(settings.database)
    sink = PostgresSink(pool, settings.database_schema, TABLES, reach=lambda _: None)
    move = Move(topic="events", partition=0, begin=None, end=len(log))
    await sink.write(sink.prepare(log), move)
    await pool.close()


async def ask(settings: Settings, statement: str, *values: object) -> list[Any]:
    """What a statement finds there."""
    connection = await database.connect(settings.database)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL search_path TO {settings.database_schema}")
            return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()
