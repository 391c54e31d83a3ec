"""Runs an export of the log or of a table against the servers that the settings name."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from chatfold import clock, database, failpoints, sharing, standing
from chatfold.archive import reading
from chatfold.archive.storage import Storage
from chatfold.export import part, shares, sources
from chatfold.export.alone import alone
from chatfold.export.asked import Exported, Told, Wanted
from chatfold.export.exporting import Exporting, Written
from chatfold.export.sources import ROWS
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from chatfold.sharing import Ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One export under way; `lock` is held by all its processes."""

    settings: Settings
    exporting: Exporting
    processes: int | None
    told: Told
    stop: asyncio.Event
    lock: int


async def export(
    settings: Settings, storage: Storage, wanted: Wanted, told: Told, stop: asyncio.Event
) -> Exported:
    """Bring the export up to date, or as far as it is at `stop`; raises `Refusal`."""
    shape, reach = wanted.shape, failpoints.from_environment()
    exporting = Exporting(storage, shape, wanted.choice, now=clock.now(), reach=reach)
    with shares.explained(storage):
        async with alone(storage, shape.name) as lock:
            await _begin(exporting, again=wanted.again)
            before = await exporting.written()
            run = Run(
                settings=settings,
                exporting=exporting,
                processes=wanted.processes,
                told=told,
                stop=stop,
                lock=lock,
            )
            await (_log(run) if shape.is_log else _table(run))
            return await _end(run, before)


async def _begin(exporting: Exporting, *, again: bool) -> None:
    shape, where = exporting.shape, exporting.storage.where
    await (exporting.begin_anew() if again else exporting.resume())
    if exporting.state.finished and not shape.is_log:
        raise Refusal(
            f"{shape.name} is in {where} already. Its rows change: with --again it is exported"
            " anew, in place of what is there."
        )


async def _end(run: Run, before: Written) -> Exported:
    exporting, is_stopped = run.exporting, run.stop.is_set()
    if not is_stopped:
        await exporting.finish()
    now = await exporting.written()
    return Exported(
        what=exporting.shape.name,
        rows=now.rows,
        new_rows=now.rows - before.rows,
        files=now.files,
        where=exporting.storage.where,
        is_stopped=is_stopped,
    )


async def _log(run: Run) -> None:
    async with shares.opened(run.settings, run.exporting) as log:
        numbers = await reading.partitions(run.settings.bootstrap, log.topic)
        if not numbers:
            raise Refusal(f"topic {log.topic} does not exist: run `chatfold topics apply`")
        ends = await _ends(log, numbers)
        offsets = sum(end - begin for begin, end in ends.values())
        divided = sharing.divided(ends, shares.processes(run.processes, offsets))
        reached = _reached(ends, run.told)
        await shares.export_all(log, divided, reached, run.stop, lock=run.lock)


async def _ends(log: shares.Log, numbers: Iterable[int]) -> Ends:
    """What there is to read of each: from where it was to where the log ends now."""
    found = {}
    for number in numbers:
        first, end = await log.reader.bounds(log.topic, number)
        known = (await log.exporting.part(str(number))).progress.position
        begin = known if isinstance(known, int) else first
        if begin != end:
            found[number] = (begin, end)
    return found


def _reached(ends: Ends, told: Told) -> shares.Reached:
    """What tells of all partitions together, whoever exports them."""
    left = {number: end - begin for number, (begin, end) in ends.items()}
    total = sum(left.values())
    told(0, total)

    def reached(number: int, offset: int) -> None:
        left[number] = ends[number][1] - offset
        told(total - sum(left.values()), total)

    return reached


async def _table(run: Run) -> None:
    await standing.verify_database(run.settings)
    connection = await database.connect(run.settings.database)
    try:
        schema = database.quoted(run.settings.database_schema)
        await _rows(run, sources.Tables(connection=connection, schema=schema))
    finally:
        await connection.close()


async def _rows(run: Run, tables: sources.Tables) -> None:
    shape, done = run.exporting.shape, 0
    source = await run.exporting.part(ROWS)
    total, written = await sources.count(tables, shape), await run.exporting.written()
    run.told(0, total)
    pieces = sources.of_table(tables, shape, source.progress.position, written.files)
    async for piece in part.written(pieces, {ROWS: source}, run.stop):
        done += piece.table.num_rows
        run.told(done, total)
