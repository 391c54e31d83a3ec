"""Runs an export of the log or of a table against the servers that the settings name."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from chatfold import database, failpoints, standing
from chatfold.archive import reading
from chatfold.archive.segments import Damaged
from chatfold.archive.storage import Storage, StorageUnavailable
from chatfold.export import sources
from chatfold.export.exporting import Choice, Exporting, Piece
from chatfold.export.shapes import Shape
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas.topics import Topics

Told = Callable[[int, int], None]
"""Is told how much is done, and of how much: offsets of a topic, rows of a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """How an export ended; `rows` and `files` are all that are there now."""

    what: str
    rows: int
    new_rows: int
    files: int
    where: str


async def export(
    settings: Settings,
    storage: Storage,
    shape: Shape,
    choice: Choice,
    *,
    again: bool,
    told: Told,
) -> Exported:
    """Bring the export up to date; raises `Refusal`."""
    try:
        return await _export(settings, storage, shape, choice, again=again, told=told)
    except StorageUnavailable as error:
        raise Refusal(f"{storage.where} cannot be used: {error}. Run it again to go on.") from None
    except Damaged as error:
        raise Refusal(f"The archive is damaged: {error}.") from None


async def _export(
    settings: Settings,
    storage: Storage,
    shape: Shape,
    choice: Choice,
    *,
    again: bool,
    told: Told,
) -> Exported:
    exporting = Exporting(storage, shape, choice, failpoints.from_environment())
    if again:
        await exporting.begin_anew()
    else:
        await exporting.resume()
    if exporting.state.finished and not shape.is_log:
        raise Refusal(
            f"{shape.name} is in {storage.where} already. Its rows change: with --again it is"
            " exported anew, in place of what is there."
        )
    before = exporting.state.rows
    pieces = _of_log if shape.is_log else _of_table
    async with pieces(settings, shape, exporting, told) as coming:
        async for _ in exporting.take(coming):
            pass
    await exporting.finish()
    state = exporting.state
    return Exported(
        what=shape.name,
        rows=state.rows,
        new_rows=state.rows - before,
        files=state.files,
        where=storage.where,
    )


@asynccontextmanager
async def _of_log(
    settings: Settings, shape: Shape, exporting: Exporting, told: Told
) -> AsyncIterator[AsyncIterator[Piece]]:
    topic = str(getattr(Topics(settings.topic_prefix), shape.name))
    async with reading.opened(settings.bootstrap, standing.archive(settings)) as reader:
        numbers = await reading.partitions(settings.bootstrap, topic)
        if not numbers:
            raise Refusal(f"topic {topic} does not exist: run `chatfold topics apply`")
        wanted = await sources.stretches(reader, topic, numbers, exporting.state)
        yield _counted(sources.of_log(reader, topic, shape, wanted), wanted, told)


async def _counted(
    pieces: AsyncIterator[Piece], wanted: list[sources.Stretch], told: Told
) -> AsyncIterator[Piece]:
    total = sum(one.end - one.begin for one in wanted)
    reached = {str(one.partition): one.begin for one in wanted}
    begun = sum(reached.values())
    told(0, total)
    async for piece in pieces:
        assert isinstance(piece.after, int)
        reached[piece.source] = piece.after
        yield piece
        told(sum(reached.values()) - begun, total)


@asynccontextmanager
async def _of_table(
    settings: Settings, shape: Shape, exporting: Exporting, told: Told
) -> AsyncIterator[AsyncIterator[Piece]]:
    await standing.verify_database(settings)
    async with AsyncExitStack() as stack:
        connection = await database.connect(settings.database)
        stack.push_async_callback(connection.close)
        schema = database.quoted(settings.database_schema)
        tables = sources.Tables(connection=connection, schema=schema)
        state, total = exporting.state, await sources.count(tables, shape)
        pieces = sources.of_table(tables, shape, state.positions, state.files)
        yield _rows_told(pieces, total, told)


async def _rows_told(pieces: AsyncIterator[Piece], total: int, told: Told) -> AsyncIterator[Piece]:
    done = 0
    told(0, total)
    async for piece in pieces:
        done += piece.table.num_rows
        yield piece
        told(done, total)
