"""Tables and views against a plain fold of the log, in memory, a partition at a time."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from chatfold import clock, database
from chatfold.rebuilding import verify_views
from chatfold.rebuilding.checks import Check, Verified, is_of_chats
from chatfold.rebuilding.reading import Facts
from chatfold.rebuilding.sample import Sample
from chatfold.rebuilding.tables import TablesTarget
from chatfold.rebuilding.target import Target
from chatfold.rebuilding.views import ViewsTarget
from chatfold.refusal import Refusal
from projections import parked_facts
from projections.build import LIVE, Build
from projections.naive import NaiveSink, NaiveTables
from projections.partition import Reading, Span
from projections.registry import LogRecord
from projections.stretch import Stretch


async def verify(
    target: Target, name: str, sample: Sample, *, limit: int, stop: asyncio.Event
) -> list[Verified]:
    """The build held to the log, up to where it has read; facts that wait are left out there."""
    if isinstance(target, ViewsTarget):
        return await verify_views.verify(target, name, sample, limit=limit, stop=stop)
    if isinstance(target, TablesTarget):
        return await _tables(target, name, sample, limit=limit, stop=stop)
    raise Refusal(f"{target.name} cannot be verified: rebuild them and use diff instead")


async def _tables(
    target: TablesTarget, name: str, sample: Sample, *, limit: int, stop: asyncio.Event
) -> list[Verified]:
    """Every table of the build, as it is at one moment."""
    async with (
        target.pool.acquire() as reader,
        reader.transaction(isolation="repeatable_read", readonly=True),
    ):
        build = await target.of.get(reader, name)
        verifying = _Verifying(target, build, reader, sample, limit)
        verifying.refuse_part_of_a_whole()
        return await verifying.run(stop)


class _Verifying:
    """Rows of chats are compared by partition, all others when the whole log is folded."""

    def __init__(
        self,
        target: TablesTarget,
        build: Build,
        reader: database.Connection,
        sample: Sample,
        limit: int,
    ) -> None:
        schema = target.of.schema(build)
        self._target = target
        self._build = build
        self._reader = reader
        self._sample = sample
        self._checks = [Check(table, schema, limit) for table in target.projection.tables]
        self._of_chats = [check for check in self._checks if is_of_chats(check.table)]
        self._of_all = [check for check in self._checks if check not in self._of_chats]

    def refuse_part_of_a_whole(self) -> None:
        """Raise `Refusal` if a sample of the facts is not enough."""
        if self._of_all and self._sample != Sample():
            raise Refusal(
                f"rows of {self._of_all[0].table.name} are of many chats: verify them without"
                " --sample and --chat"
            )

    async def run(self, stop: asyncio.Event) -> list[Verified]:
        """What was found of each table."""
        topic = self._target.place.topic
        ends = await self._target.of.positions(self._reader, self._build, topic)
        together = self._tables(self._of_all)
        for partition, end in sorted(ends.items()):
            tables = self._tables(self._of_chats)
            await self._fold(partition, end, NaiveSink(tables, together), stop)
            for check in self._of_chats:
                await check.compare(self._reader, tables.rows[check.table.name])
        for check in self._of_all:
            await check.compare_whole(self._reader, together.rows[check.table.name])
        if self._sample == Sample() and self._build.state in {LIVE, "ready", "kept"}:
            for check in self._of_chats:
                await check.count(self._reader)
        return [check.told for check in self._checks]

    def _tables(self, checks: Sequence[Check]) -> NaiveTables:
        tables = [check.table for check in checks]
        return NaiveTables(tables, self._target.projection.evolve, self._sees)

    def _sees(self, recorded: Facts) -> bool:
        return self._build.scope.sees(recorded) and self._sample.holds(recorded.chat_id)

    async def _fold(self, partition: int, end: int, sink: NaiveSink, stop: asyncio.Event) -> None:
        schema = self._target.of.schema(self._build)
        place = (self._target.name, self._target.place.topic, partition)
        waits = await parked_facts.offsets(self._reader, schema, place)
        reading = Reading(
            projection=f"{self._target.name} verify",
            decode=partial(_decoded, self._target.projection.decode, waits),
            sink=sink,
            clock=clock.now,
            tells_kafka=False,
        )
        span = Span(self._build.scope.first.get(partition), end)
        await Stretch(reading, self._target.place, {partition: span}).read(stop)


def _decoded(
    decode: Callable[[LogRecord], Facts], waits: frozenset[int], record: LogRecord
) -> Facts | None:
    """The fact, None if it waits."""
    return None if record.offset in waits else decode(record)
