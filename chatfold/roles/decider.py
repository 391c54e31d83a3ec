"""Decide the inbox."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

from chatfold import clock, failpoints, slots, standing
from chatfold.policies import Policies
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from schemas.topics import Groups, Topics
from streams.decider import Decider
from streams.partition import Deciding, LogGap


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
    """Decide the inbox."""
    directory = await stack.enter_async_context(standing.tenants(settings))
    policies = Policies(directory)
    folder = stack.enter_context(slots.slot(settings.home / "state"))
    role = Decider(
        Deciding(
            bootstrap=settings.bootstrap,
            topics=Topics(settings.topic_prefix),
            group=Groups(settings.topic_prefix).decider,
            instance=standing.instance(folder),
            folder=folder,
            policies=policies.of,
            refresh_policies=directory.catch_up,
            route=policies.tenant_of,
            now=clock.now,
            reach=failpoints.from_environment(),
            window=timedelta(days=settings.dedupe_window_days),
            accept_gap=settings.accept_gap,
        )
    )
    await stack.enter_async_context(standing.observed("decider", settings, role.unready))
    try:
        await role.run(stop)
    except LogGap as gap:
        raise Refusal(str(gap)) from None
