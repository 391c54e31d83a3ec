"""The builds of the views in a folder."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from projections import build as builds
from projections.build import LIVE, Build
from projections.json_files.build import JsonBuild
from projections.json_files.folder import Folder
from projections.scope import Scope
from projections.view_builds import Overtaken
from projections.view_store import CHUNK, NAME, VERSION, Chat, chunks, of_topic


class JsonBuilds:
    """As `ViewBuilds`."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    async def live(self) -> JsonBuild:
        """As `ViewBuilds`."""
        with self._folder.telling():
            name = await asyncio.to_thread(self._folder.live)
        return JsonBuild(self._folder, name, is_live=True)

    def of(self, build: Build) -> JsonBuild:
        """As `ViewBuilds`."""
        return JsonBuild(self._folder, build.name, is_live=False)

    async def all(self) -> list[Build]:
        """As `ViewBuilds`; what readers see is live, whatever a record says."""
        with self._folder.telling():
            return await asyncio.to_thread(self._all)

    async def begin(self, name: str | None, scope: Scope, now: datetime) -> Build:
        """As `ViewBuilds`."""
        with self._folder.telling():
            return await asyncio.to_thread(self._begin, name, scope, now)

    async def finish(self, build: Build, now: datetime) -> None:
        """As `ViewBuilds`."""
        with self._folder.telling():
            await asyncio.to_thread(self._finish, build.name, now)

    async def drop(self, name: str) -> None:
        """As `ViewBuilds`."""
        with self._folder.telling():
            await asyncio.to_thread(self._drop, name)

    async def positions(self, build: Build, topic: str) -> dict[int, int]:
        """As `ViewBuilds`."""
        with self._folder.telling():
            found = await asyncio.to_thread(self._folder.positions, build.name)
        return of_topic(found, topic)

    async def moved_at(self, build: Build) -> datetime | None:
        """As `ViewBuilds`."""
        path = self._folder.home(build.name) / "positions.json"
        with self._folder.telling():
            try:
                return datetime.fromtimestamp(path.stat().st_mtime, UTC)
            except FileNotFoundError:
                return None

    async def chats(self, build: Build) -> AsyncIterator[Sequence[Chat]]:
        """As `ViewBuilds`."""
        with self._folder.telling():
            files = await asyncio.to_thread(list, self._folder.files(build.name))
        for some in chunks([(file.parent.name, file.stem) for file in files], CHUNK):
            yield some

    @asynccontextmanager
    async def alone(self, build: Build) -> AsyncIterator[bool]:
        """As `ViewBuilds`."""
        with self._folder.locked(f"fills-{build.name}", waits=False) as is_ours:
            yield is_ours

    @asynccontextmanager
    async def held(self) -> AsyncIterator["JsonHold"]:
        """As `ViewBuilds`."""
        with ExitStack() as stack:
            with self._folder.telling():
                await asyncio.to_thread(stack.enter_context, self._folder.locked("live"))
            yield JsonHold(self._folder, self)

    def _all(self) -> list[Build]:
        live = self._folder.live()
        known = [builds.standing(build, live) for build in self._folder.records().values()]
        if not any(build.state == LIVE for build in known):
            known.append(replace(builds.first(NAME, VERSION), name=live))
        return sorted(known, key=lambda build: (build.started_at, build.name))

    def _begin(self, name: str | None, scope: Scope, now: datetime) -> Build:
        with self._folder.locked("list"):
            known = {build.name: build for build in self._all()}
            chosen = name or builds.next_name(known)
            builds.refuse_taken(chosen, known, NAME)
            build = Build(
                projection=NAME,
                name=chosen,
                version=VERSION,
                state="filling",
                scope=scope,
                started_at=now,
            )
            self._folder.record(known | {chosen: build})
        return build

    def _finish(self, name: str, now: datetime) -> None:
        with self._folder.locked("list"):
            build = builds.named(self._all(), name, NAME).ready(now)
            self._folder.record(self._folder.records() | {name: build})

    def _drop(self, name: str) -> None:
        """Out of the way first, so that what is left of it is never taken for a build."""
        aside = self._folder.root / "dropped"
        with self._folder.locked("list"), self._folder.locked(f"of-{name}"):
            known = self._all()
            builds.refuse_live(builds.named(known, name, NAME))
            self._folder.record({one.name: one for one in known if one.name != name})
            aside.mkdir(parents=True, exist_ok=True)
            if self._folder.home(name).exists():
                self._folder.home(name).rename(Path(tempfile.mkdtemp(dir=aside)) / name)
        shutil.rmtree(aside)

    def promote(self, build: Build, now: datetime) -> Build:
        """The live one's place is another's from the moment that its file is replaced."""
        with self._folder.locked("list"):
            known = {one.name: one for one in self._all()}
            live = builds.named(known.values(), LIVE, NAME)
            builds.refuse_partial(builds.named(known.values(), build.name, NAME))
            there = self._folder.positions(build.name)
            wanted = self._folder.positions(live.name)
            if any(there.get(place, 0) < at for place, at in wanted.items()):
                raise Overtaken(f"build {build.name} is behind the live one")
            self._folder.promote(build.name)
            kept = replace(live, state="kept")
            new = replace(build, state=LIVE, live_since=now)
            self._folder.record(known | {live.name: kept, build.name: new})
        return live


class JsonHold:
    """As `Hold`; the lock of the file holds for as long as we live."""

    def __init__(self, folder: Folder, known: JsonBuilds) -> None:
        self._folder = folder
        self._builds = known

    async def promote(self, build: Build, now: datetime) -> Build:
        """As `Hold`."""
        with self._folder.telling():
            return await asyncio.to_thread(self._builds.promote, build, now)

    async def assure(self) -> None:
        """As `Hold`."""
