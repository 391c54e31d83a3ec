"""Fold facts into the views of active conversations."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

from chatfold import clock, dead_letters, failpoints, slots, standing, views
from chatfold.roles import following
from chatfold.settings import Settings
from projections.consumer import Consumer
from projections.partition import Reading
from projections.registry import decode_fact
from projections.sink import DeadLetters
from projections.view_sink import ViewSink
from schemas.topics import Topics


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
    """Fold facts into the views of active conversations."""
    store = await stack.enter_async_context(views.opened(settings))
    lifetime = timedelta(hours=settings.view_ttl_hours)
    reach = failpoints.from_environment()
    sink = ViewSink(store.builds.live, lifetime, clock=clock.now, reach=reach)
    names = Topics(settings.topic_prefix)
    log = await stack.enter_async_context(standing.event_log(settings))
    reading = Reading(
        projection="views",
        decode=decode_fact,
        sink=sink,
        clock=clock.now,
        dead_letters=DeadLetters(store=sink, bury=dead_letters.bury(log, names.dead_letters)),
    )
    instance = standing.instance(stack.enter_context(slots.slot(settings.home / "views")))
    role = Consumer(reading, following.source(settings, names.events, "views", instance))
    await stack.enter_async_context(standing.observed("views", settings, role.unready))
    with following.refusing():
        await role.run(stop)
