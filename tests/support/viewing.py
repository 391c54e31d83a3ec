"""Views of active chats in either store, readers who look all the time, and folds that fail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from chatfold import clock
from chatfold.settings import Settings
from projections import redis, registry, views
from projections.redrive import Redrive, ViewsWait
from projections.registry import LogRecord
from projections.sink import Waiters
from projections.view_sink import ViewSink
from schemas import codec
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.topics import Topics
from tests.support import projecting
from tests.support.poison import IsPoison

PAUSE_SECONDS = 0.005


def in_files(settings: Settings) -> Settings:
    """The same deployment without Redis."""
    return settings.model_copy(update={"redis_url": f"file:{settings.home}/views"})


async def left_of(settings: Settings, build: str) -> list:
    """What is still there of a build."""
    if settings.views.startswith("file:"):
        return list(Path(settings.views.removeprefix("file:")).rglob(build))
    client = redis.connect(settings.views)
    found = [key async for key in client.scan_iter(f"{settings.view_prefix}:*:{build}:*")]
    await client.aclose()
    return found


async def shown(settings: Settings, wanted: dict[tuple[str, str], Any]) -> None:
    """Return when each of these chats is shown so."""
    store = projecting.views_store(settings)
    async with asyncio.timeout(30):
        for chat, view in wanted.items():
            while await store.get(*chat) != view:
                await asyncio.sleep(0.05)
    await store.close()


async def caught_up(settings: Settings, store: Any) -> None:
    """Return when the live build's position is the end of the log."""
    topic = Topics(settings.topic_prefix).events
    async with asyncio.timeout(60):
        for number, end in (await projecting.ends(settings, topic)).items():
            while (await (await store.builds.live()).position(topic, number) or 0) < end:
                await asyncio.sleep(0.05)


async def redrive(settings: Settings) -> list:
    """Take up everything that waits."""
    store = projecting.views_store(settings)
    sink = ViewSink(store.builds.live, projecting.LIFETIME, clock=clock.now, reach=lambda _: None)
    runs = Redrive(ViewsWait(sink, store.builds.live))
    waiting = await (await store.builds.live()).poison()
    done = [await runs.run(Waiters(one.topic, one.partition, one.key)) for one in waiting]
    await store.close()
    return done


class Reader:
    """Looks at chats again and again, and never sees less of one than before."""

    def __init__(self, settings: Settings, log: Sequence[Recorded[Fact]]) -> None:
        self._store = projecting.views_store(settings)
        self._chats = list(projecting.folded(log))
        self._seen: dict[tuple[str, str], int] = {}
        self.looks = 0
        self.shrunk: list[tuple] = []

    async def look(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for chat in self._chats:
                self._judge(chat, await self._store.get(*chat))
            for tenant in {tenant for tenant, _ in self._chats}:
                listed = {view.chat_id: view for view in await self._store.active(tenant, 10_000)}
                for chat in self._chats:
                    if chat[0] == tenant:
                        self._judge(chat, listed.get(chat[1]))
            self.looks += 1
            await asyncio.sleep(PAUSE_SECONDS)
        await self._store.close()

    def _judge(self, chat: tuple[str, str], found: Any) -> None:
        number, before = found.seq if found else 0, self._seen.get(chat, 0)
        if number < before:
            self.shrunk.append((chat, before, number))
        self._seen[chat] = max(number, before)


@contextlib.asynccontextmanager
async def watched(settings: Settings, log: Sequence[Recorded[Fact]]) -> AsyncIterator[Reader]:
    """A reader of the chats that are there at the log's end, while the block runs."""
    reader, stop = Reader(settings, log), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(reader.look(stop))
        try:
            yield reader
        finally:
            stop.set()


def undecodable(is_poison: IsPoison) -> dict[str, Any]:
    """As if a newer program had written the fact."""

    def decode(record: LogRecord) -> Recorded[Fact]:
        if is_poison(dict(record.headers)["ce_id"].decode()):
            raise codec.Undecodable("of a later version")
        return registry.decode_fact(record)

    return {"decode": decode}


def unfoldable(is_poison: IsPoison) -> dict[str, Any]:
    """As if the fold had a defect."""

    def evolve(view: Any, recorded: Recorded[Fact], lifetime: Any) -> Any:
        if is_poison(recorded.id):
            raise ZeroDivisionError
        return views.evolve(view, recorded, lifetime)

    return {"evolve": evolve}


def unwritable(is_poison: IsPoison) -> dict[str, Any]:
    """As if the fact, and all that the chat says after it, made a view that cannot be written."""
    poisoned: dict[str, int] = {}

    def evolve(view: Any, recorded: Recorded[Fact], lifetime: Any) -> Any:
        found = views.evolve(view, recorded, lifetime)
        if is_poison(recorded.id):
            poisoned[recorded.chat_id] = recorded.sequence
        is_behind = recorded.sequence >= poisoned.get(recorded.chat_id, 1 << 60)
        return _broken(found) if is_behind and found is not None else found

    return {"evolve": evolve}


def _broken(view: Any) -> Any:
    return replace(view, person=replace(view.person, username=object()))


WAYS = {"undecodable": undecodable, "unfoldable": unfoldable, "unwritable": unwritable}
