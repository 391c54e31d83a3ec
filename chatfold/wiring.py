"""Builds every role out of its parts; the only file that knows every class."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from chatfold import clock, failpoints, slots, telemetry, topics
from chatfold.policies import Policies
from chatfold.refusal import Refusal
from chatfold.settings import Settings
from chatfold.tenancy import TenantDirectory
from schemas.topics import Groups, Topics
from streams.decider import Decider
from streams.partition import Deciding, LogGap
from streams.topology import PORTS

LOG: Final = logging.getLogger(__name__)

Stop = asyncio.Event
Run = Callable[[Settings, Stop], Awaitable[None]]


async def run(role: str, settings: Settings, stop: Stop) -> None:
    """Be `role` until `stop`; raises `Refusal` if something it needs is not as it must be."""
    await ROLES[role](settings, stop)


async def decider(settings: Settings, stop: Stop) -> None:
    """Decide the inbox."""
    async with AsyncExitStack() as stack:
        await _verified_topics(settings)
        directory = await stack.enter_async_context(_tenants(settings))
        policies = Policies(directory)
        folder = stack.enter_context(slots.slot(settings.home / "state"))
        names = Topics(settings.topic_prefix)
        role = Decider(
            Deciding(
                bootstrap=settings.bootstrap,
                topics=names,
                group=Groups(settings.topic_prefix).decider,
                instance=_instance(folder),
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
        await stack.enter_async_context(_observed("decider", settings, role.unready))
        try:
            await role.run(stop)
        except LogGap as gap:
            raise Refusal(str(gap)) from None


def _instance(folder: Path) -> str:
    """A lasting name for the process that holds `folder`, unique in its group."""
    return f"{socket.gethostname()}-{folder.name}"


async def _verified_topics(settings: Settings) -> None:
    problems = await topics.verify(topics.plan(settings))
    if problems:
        raise Refusal("\n".join(topics.sentences(problems)))


@asynccontextmanager
async def _tenants(settings: Settings) -> AsyncIterator[TenantDirectory]:
    directory = TenantDirectory(settings.bootstrap, Topics(settings.topic_prefix).tenants)
    await directory.start()
    try:
        yield directory
    finally:
        await directory.stop()


@asynccontextmanager
async def _observed(
    role: str, settings: Settings, unready: Callable[[], Sequence[str]]
) -> AsyncIterator[None]:
    async def reasons() -> Sequence[str]:
        return unready()

    port = settings.metrics_port or PORTS[role]
    async with telemetry.serve_health(port, reasons, settings.metrics_host):
        beating = asyncio.create_task(telemetry.keep_beating(role))
        LOG.info("%s serves its metrics on port %s", role, port)
        try:
            yield
        finally:
            beating.cancel()


ROLES: Final = MappingProxyType[str, Run]({"decider": decider})
