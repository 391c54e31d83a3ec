"""Copy the log to the archive."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

from chatfold import clock, failpoints, slots, standing
from chatfold.archive import archiver as archiving
from chatfold.settings import Settings
from schemas.topics import Groups, Topics


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
    """Copy the log to the archive."""
    names = Topics(settings.topic_prefix)
    role = archiving.Archiver(
        archiving.Archiving(
            bootstrap=settings.bootstrap,
            topics=(names.inbox, names.events),
            group=Groups(settings.topic_prefix).archiver,
            instance=standing.instance(stack.enter_context(slots.slot(settings.home / "archiver"))),
            index=standing.archive(settings),
            segment_bytes=settings.archive_segment_bytes,
            segment_age=timedelta(seconds=settings.archive_segment_seconds),
            accept_gap=settings.archive_accept_gap,
            now=clock.now,
            reach=failpoints.from_environment(),
        )
    )
    await stack.enter_async_context(standing.observed("archiver", settings, role.unready))
    await role.run(stop)
