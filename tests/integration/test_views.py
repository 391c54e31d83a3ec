"""The views of active chats on a real Kafka and Valkey."""

import asyncio
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from chatfold import clock
from chatfold.settings import Settings
from projections import json_files, redis
from projections.redis import RedisViews
from projections.view_store import is_active
from tests.support import facts, projecting


async def test_the_views_are_the_fold_of_the_log(settings: Settings) -> None:
    log = projecting.recently(facts.log(1, chats=25, facts=3000))
    await projecting.prepare(settings)
    await projecting.append(settings, log[:1500])
    async with projecting.viewing(settings):
        await projecting.append(settings, log[1500:], seed=1)
        await projecting.viewed(settings, log)


async def test_views_come_back_after_the_store_was_emptied(settings: Settings) -> None:
    log = projecting.recently(facts.log(2, chats=10, facts=1000))
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log[:900])
    async with projecting.viewing(settings) as (_, store):
        await quiet(settings, store, topic)
        await empty(settings)
        await projecting.viewed(settings, log[:900])  # with nothing new in the log
        await empty(settings)
        await projecting.append(settings, log[900:], seed=1)
        await projecting.viewed(settings, log)
        assert (await store.stats())["active_chats"] == len(projecting.folded(log))


async def test_writers_that_come_and_go_keep_the_views_right(settings: Settings) -> None:
    log = projecting.recently(facts.log(3, chats=20, facts=3000))
    await projecting.prepare(settings)
    async with projecting.viewing(settings):
        await projecting.append(settings, log[:1000])
        async with projecting.viewing(settings):
            await projecting.append(settings, log[1000:2000], seed=1)
        await projecting.append(settings, log[2000:], seed=2)
        await projecting.viewed(settings, log)


async def test_chats_that_are_not_active_take_no_room(settings: Settings) -> None:
    log = facts.log(4, chats=40, facts=400)
    log = [*log[:-30], *(replace(one, time=clock.now()) for one in log[-30:])]
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.viewing(settings) as (_, store):
        shown = {
            chat: view
            for chat, view in projecting.folded(log).items()
            if is_active(view, projecting.LIFETIME, clock.now())
        }
        async with asyncio.timeout(30):
            while (await store.stats())["active_chats"] != len(shown):
                await asyncio.sleep(0.05)
        assert 0 < len(shown) < len(projecting.folded(log))
        for chat, view in shown.items():
            found = await store.get(*chat)
            assert found == view
            assert found.person.platform_user_id is not None


async def test_a_store_that_is_away_is_told_and_its_errors_counted(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    away = projecting.views_store(nowhere)
    assert await away.stats() == {"reachable": False, "errors": 1}
    await away.close()
    back = RedisViews(
        redis.connect(settings.views), settings.view_prefix, timedelta(1), clock=clock.now
    )
    back._server.errors = away._server.errors
    assert (await back.stats())["errors"] == 1
    assert (await back.stats())["errors"] == 1
    await back.close()


async def test_json_files_follow_the_log_where_there_is_no_redis(
    settings: Settings, tmp_path: Path
) -> None:
    log = projecting.recently(facts.log(5, chats=8, facts=500))
    await projecting.prepare(settings)
    await projecting.append(settings, log[:250])
    for part in (log[:250], log):
        home = json_files.folder(f"file:{tmp_path}", settings.view_prefix)
        store = json_files.JsonFileViews(home, projecting.LIFETIME, clock=clock.now)
        consumer, stop = projecting.views_consumer(settings, store), asyncio.Event()
        running = asyncio.create_task(consumer.run(stop))
        async with asyncio.timeout(30):
            for chat, view in projecting.folded(part).items():
                while await store.get(*chat) != view:
                    await asyncio.sleep(0.05)
        stop.set()
        await running
        if part is not log:
            await projecting.append(settings, log[250:], seed=1)


async def quiet(settings: Settings, store: RedisViews, topic: str) -> None:
    """Return when the writer has nothing left to write, not even a step over marks."""
    async with asyncio.timeout(30):
        for number, end in (await projecting.ends(settings, topic)).items():
            while (await (await store.builds.live()).position(topic, number) or 0) < end:
                await asyncio.sleep(0.05)


async def empty(settings: Settings) -> None:
    """As FLUSHALL, for our keys only: the server is shared."""
    client = redis.connect(settings.views)
    keys = [key async for key in client.scan_iter(f"{settings.view_prefix}:*", count=1000)]
    await client.delete(*keys)
    await client.aclose()
