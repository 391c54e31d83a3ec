"""What stands as long as a role does: tenants, log, tables, metrics; and what must be right."""

import asyncio
import hashlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from chatfold import archive as archives
from chatfold import database, migrate, telemetry, topics
from chatfold.eventlog import EventLog
from chatfold.refusal import Refusal
from chatfold.settings import Settings, variable
from chatfold.tenancy import TenantDirectory
from schemas.topics import Topics
from streams.topology import PORTS

LOG: Final = logging.getLogger(__name__)


def instance(folder: Path) -> str:
    """A lasting name for the process that holds `folder`, unique in its group.

    Homes of one host have folders of the same name; two members of one name would throw each
    other out for ever.
    """
    home = hashlib.sha256(str(folder.parent.resolve()).encode()).hexdigest()[:8]
    return f"{socket.gethostname()}-{home}-{folder.name}"


async def verify_topics(settings: Settings) -> None:
    """Refuse unless every topic is as it must be."""
    problems = await topics.verify(topics.plan(settings))
    if problems:
        raise Refusal("\n".join(topics.sentences(problems)))


async def verify_database(settings: Settings) -> None:
    """Refuse unless the tables are of this version."""
    problems = await migrate.verify(settings.database, settings.database_schema)
    if problems:
        raise Refusal("\n".join(problems))


def archive(settings: Settings) -> archives.Index:
    """The archive that the settings name; raises `Refusal`."""
    return archives.Index(
        archives.opened(
            settings.archive_url, settings.archive_folder, named_by=variable("archive_url")
        )
    )


@asynccontextmanager
async def tenants(settings: Settings) -> AsyncIterator[TenantDirectory]:
    """The tenants, kept up to date."""
    directory = TenantDirectory(settings.bootstrap, Topics(settings.topic_prefix).tenants)
    await directory.start()
    try:
        yield directory
    finally:
        await directory.stop()


@asynccontextmanager
async def event_log(settings: Settings) -> AsyncIterator[EventLog]:
    """What appends to the log."""
    log = EventLog(settings.bootstrap, max_pending_bytes=settings.max_pending_bytes)
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


@asynccontextmanager
async def pool(settings: Settings) -> AsyncIterator[database.Pool]:
    """Connections to the tables."""
    pool = await database.open_pool(settings.database)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def observed(
    role: str, settings: Settings, unready: Callable[[], Sequence[str]]
) -> AsyncIterator[None]:
    """Metrics, health and heartbeat of a role."""

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
