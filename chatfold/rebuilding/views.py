"""Views as they are rebuilt: builds beside the live one in the same store."""

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from chatfold import clock, failpoints
from chatfold import views as stores
from chatfold.rebuilding import reading
from chatfold.rebuilding import target as targets
from chatfold.rebuilding.reading import Facts, Part, Source
from chatfold.rebuilding.target import Advance, Difference
from chatfold.settings import Settings
from projections import view_comparing, view_promotion
from projections.active_chat import ActiveChat
from projections.build import LIVE, Build, Promoted
from projections.parked_facts import PoisonFact
from projections.registry import decode_fact
from projections.scope import Scope
from projections.stretch import Place
from projections.view_builds import Hold, Overtaken, ViewBuilds
from projections.view_comparing import Comparison, Pair
from projections.view_sink import Evolve, ViewSink
from projections.view_store import NAME, VERSION, ViewStore
from projections.views import evolve
from schemas.topics import Topics

BringUp = Callable[[], Awaitable[None]]

_PATIENCE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewsTarget:
    """As `Target`, for the views of active chats."""

    settings: Settings
    of: ViewBuilds

    @property
    def name(self) -> str:
        """As `Target`."""
        return NAME

    @property
    def version(self) -> int:
        """As `Target`; another has other builds altogether."""
        return VERSION

    @property
    def place(self) -> Place:
        """As `Target`."""
        return targets.place(self.settings, Topics(self.settings.topic_prefix).events)

    async def builds(self) -> list[Build]:
        """As `Target`."""
        return await self.of.all()

    async def begin(self, name: str | None, scope: Scope, now: datetime) -> Build:
        """As `Target`."""
        return await self.of.begin(name, scope, now)

    async def finish(self, build: Build, now: datetime) -> None:
        """As `Target`."""
        await self.of.finish(build, now)

    async def drop(self, build: Build) -> None:
        """As `Target`."""
        await self.of.drop(build.name)

    async def positions(self, build: Build) -> dict[int, int]:
        """As `Target`."""
        return await self.of.positions(build, self.place.topic)

    async def moved_at(self, build: Build) -> datetime | None:
        """As `Target`."""
        return await self.of.moved_at(build)

    async def waiting(self, build: Build) -> Sequence[PoisonFact]:
        """As `Target`."""
        return await self.of.of(build).poison()

    def alone(self, build: Build) -> AbstractAsyncContextManager[bool]:
        """As `Target`."""
        return self.of.alone(build)

    async def fill(self, build: Build, part: Part, stop: asyncio.Event) -> None:
        """As `Target`."""
        store = self.of.of(build)

        async def opens() -> ViewStore:
            return store

        sink = ViewSink(
            opens,
            self.lifetime,
            clock=clock.now,
            reach=failpoints.from_environment(),
            evolve=_limited(build.scope),
        )
        source = Source(projection=NAME, place=self.place, decode=decode_fact)
        await reading.fill(source, sink, part, stop)

    async def index(self, build: Build) -> None:
        """Nothing: the views are found by their names."""

    async def analyze(self, build: Build) -> None:
        """Nothing: the store plans no queries."""

    async def promote(self, build: Build, advance: Advance, patience: timedelta) -> Promoted:
        """As `Target`."""
        return await view_promotion.promote(
            self.of, self.place.topic, build, advance, patience=patience, now=clock.now()
        )

    async def diff(
        self, both: Sequence[Build], advance: Advance | None, *, limit: int
    ) -> Difference:
        """Most is compared while the writer goes on; it waits for what has changed meanwhile."""
        others = [build for build in both if build.state != LIVE]
        led = None
        if advance is not None and len(others) == 1:
            led = partial(view_promotion.bring_up, self.of, self.place.topic, others[0], advance)
            await led()
        found = Comparison(self.lifetime, clock.now(), limit)
        pair = await view_comparing.look_at_all(found, self.of, both)
        if led is not None:
            return await self._settled(both, found, pair, led)
        await view_comparing.judge(found, pair, found.undecided)
        return await self._difference(both, found)

    async def _settled(
        self, both: Sequence[Build], found: Comparison, pair: Pair, bring_up: BringUp
    ) -> Difference:
        """What was not decided, looked at while the live one stands still."""

        async def settle(hold: Hold) -> Difference:
            await bring_up()
            settled = copy.deepcopy(found)
            await view_comparing.judge(settled, pair, found.undecided)
            difference = await self._difference(both, settled)
            if not difference.is_exact:
                raise Overtaken("one is ahead of the live one: does the role views run?")
            await hold.assure()
            return difference

        return await view_promotion.holding(self.of, settle, _PATIENCE)

    async def _difference(self, both: Sequence[Build], found: Comparison) -> Difference:
        first, second = both
        at = (await self.positions(first), await self.positions(second))
        return Difference(builds=(first.name, second.name), at=at, tables=[found.told()])

    @property
    def lifetime(self) -> timedelta:
        """How long a chat is active without a word."""
        return timedelta(hours=self.settings.view_ttl_hours)


def _limited(scope: Scope) -> Evolve:
    """The fold, blind to the facts of other tenants and chats."""

    def evolve_seen(
        view: ActiveChat | None, recorded: Facts, lifetime: timedelta
    ) -> ActiveChat | None:
        return evolve(view, recorded, lifetime) if scope.sees(recorded) else view

    return evolve_seen


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[ViewsTarget]:
    """The views of the store that the settings name."""
    async with stores.opened(settings) as store:
        yield ViewsTarget(settings=settings, of=store.builds)
