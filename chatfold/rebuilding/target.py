"""What can be rebuilt, and where its log, its tables and its builds are."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from chatfold import database, failpoints, standing
from chatfold.archive import LogConsumer
from chatfold.own_projections import found
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from projections.builds import Build, Builds, Shape
from projections.filling import FillingSink
from projections.registry import TABLES, Projection
from projections.scope import limited
from projections.stretch import Place
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.topics import Topics

Facts = Recorded[Fact]

LONG_SECONDS: Final = 24 * 3600.0  # an index of a large table, or the checksum of all its rows


def projections(settings: Settings) -> dict[str, Projection[Facts]]:
    """Those that can be rebuilt: ours into tables, and a team's own."""
    return {one.name: one for one in (TABLES, *found(settings.projections))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A projection into tables of one deployment."""

    projection: Projection[Facts]
    settings: Settings
    pool: database.Pool

    @property
    def place(self) -> Place:
        """Its log, the archive of it included."""
        topic = self.projection.topic(Topics(self.settings.topic_prefix))
        archive = standing.archive(self.settings)
        return Place(topic=topic, opens=partial(LogConsumer, self.settings.bootstrap, archive))

    @property
    def builds(self) -> Builds:
        """Its builds."""
        shape = Shape(
            projection=self.projection.name,
            version=self.projection.version,
            tables=tuple(table.name for table in self.projection.tables),
            definition=self.projection.definition,
        )
        return Builds(self.settings.database_schema, shape)

    def sink(
        self, build: Build, *, began_empty: bool, reach: Callable[[str], None] | None = None
    ) -> FillingSink[Facts]:
        """What fills the tables of a build."""
        return FillingSink(
            self.pool,
            self.builds.schema(build),
            limited(self.projection, build.scope),
            live=self.settings.database_schema,
            began_empty=began_empty,
            reach=reach or failpoints.from_environment(),
        )


@asynccontextmanager
async def opened(settings: Settings, name: str) -> AsyncIterator[Target]:
    """The projection of this name; raises `Refusal` if there is none."""
    known = projections(settings)
    if name not in known:
        raise Refusal(f"there is no projection {name}; there are: {', '.join(known)}")
    pool = await database.open_pool(
        settings.database, kept=4, extra=8, command_seconds=LONG_SECONDS
    )
    try:
        yield Target(projection=known[name], settings=settings, pool=pool)
    finally:
        await pool.close()
