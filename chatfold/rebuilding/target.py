"""What can be rebuilt: a projection of one deployment, whatever keeps its builds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from chatfold import standing
from chatfold.archive import LogConsumer
from chatfold.rebuilding.reading import Facts, Part
from chatfold.settings import Settings
from projections import build as builds
from projections.build import Build, Promoted
from projections.comparing import TableDifference
from projections.parked_facts import PoisonFact
from projections.scope import Scope
from projections.stretch import Place

__all__ = ["Advance", "Difference", "Facts", "Positions", "Target", "get", "place"]

Positions = Mapping[int, int]
Advance = Callable[[Build, Positions], Awaitable[None]]
"""Reads on until the build's positions are these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two builds compare; only where `at` are the same is every difference a real one."""

    builds: tuple[str, str]
    at: tuple[Positions, Positions]
    tables: Sequence[TableDifference]

    @property
    def is_exact(self) -> bool:
        """Whether both have read the same."""
        return self.at[0] == self.at[1]

    @property
    def is_equal(self) -> bool:
        """Whether every row is the same."""
        return all(table.is_equal for table in self.tables)


class Target(Protocol):
    """Raises `Refusal` or `ProjectionRefused` with what a person can mend."""

    @property
    def name(self) -> str:
        """The projection's."""

    @property
    def version(self) -> int:
        """That of the rows which this program makes."""

    @property
    def settings(self) -> Settings:
        """Those of the deployment."""

    @property
    def place(self) -> Place:
        """Its log, the archive of it included."""

    async def builds(self) -> list[Build]:
        """The oldest first, the live one too where nothing was ever rebuilt."""

    async def begin(self, name: str | None, scope: Scope, now: datetime) -> Build:
        """A new build, empty."""

    async def finish(self, build: Build, now: datetime) -> None:
        """Let it be compared and promoted."""

    async def drop(self, build: Build) -> None:
        """Remove one that is not live."""

    async def positions(self, build: Build) -> dict[int, int]:
        """How far it is."""

    async def moved_at(self, build: Build) -> datetime | None:
        """When it was last written."""

    async def waiting(self, build: Build) -> Sequence[PoisonFact]:
        """The facts in it that cannot be folded and that others of their chat wait behind."""

    def alone(self, build: Build) -> AbstractAsyncContextManager[bool]:
        """Whether nobody else works at the build while the block runs."""

    async def fill(self, build: Build, part: Part, stop: asyncio.Event) -> None:
        """Read a part of the log into it."""

    async def index(self, build: Build) -> None:
        """Make what is only made once the rows are there."""

    async def analyze(self, build: Build) -> None:
        """Let the store learn what the build holds."""

    async def promote(self, build: Build, advance: Advance, patience: timedelta) -> Promoted:
        """Make it live; its readers notice nothing."""

    async def diff(
        self, both: Sequence[Build], advance: Advance | None, *, limit: int
    ) -> Difference:
        """Two builds compared; with `advance` the other is first as far as the live one.

        Raises `Refusal` if that takes too long.
        """


async def get(target: Target, name: str) -> Build:
    """The build of this name, or the live one; raises `ProjectionRefused`."""
    return builds.named(await target.builds(), name, target.name)


def place(settings: Settings, topic: str) -> Place:
    """A topic, read from where its log begins: in Kafka, or in the archive."""
    archive = standing.archive(settings)
    return Place(topic=topic, opens=partial(LogConsumer, settings.bootstrap, archive))
