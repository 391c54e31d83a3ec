"""A stretch of the log read into a build, whatever keeps it: the loop that follows the live one."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from chatfold import clock
from chatfold.rebuilding.pace import Paced
from projections.gathering import MOST_ROWS
from projections.partition import Reading, Span
from projections.registry import LogRecord
from projections.sink import DeadLetters, Parking, Sink
from projections.stretch import Place, Stretch
from schemas.envelope import Record, Recorded
from schemas.facts import Fact

Facts = Recorded[Fact]
P = TypeVar("P")

log = logging.getLogger(__name__)

_RECORDS: Final = 500  # at a time of a partition: more leave the processor's cache meanwhile

Ends = Mapping[int, tuple[int, int]]
"""For each partition where to begin if nothing is stored, and where to end."""


class Fills(Sink[Facts, P], Parking[P], Protocol[P]):
    """What a build is written by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to read, how many records a second at most, and how many rows to gather of it."""

    ends: Ends
    began_empty: bool = False
    per_second: float | None = None
    most_rows: int = MOST_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A projection's log."""

    projection: str
    place: Place
    decode: Callable[[LogRecord], Facts]


async def fill(source: Source, sink: Fills[P], part: Part, stop: asyncio.Event) -> None:
    """Until the end of the part, or `stop`; a fact that cannot be folded waits in the build."""
    paced: Sink[Facts, P] = Paced(sink, part.per_second) if part.per_second else sink
    reading = Reading(
        projection=f"{source.projection} rebuild",
        decode=source.decode,
        sink=paced,
        clock=clock.now,
        tells_kafka=False,
        dead_letters=DeadLetters(store=sink, bury=_told_already),
        most_records=_RECORDS,
    )
    spans = {partition: Span(first, end) for partition, (first, end) in part.ends.items()}
    await Stretch(reading, source.place, spans).read(stop)


async def _told_already(letter: Record) -> None:
    """A rebuild appends nothing: people are told of a poison fact by the projector."""
    log.warning("a fact waits in the build as it does in the live one: %r", letter.key)
