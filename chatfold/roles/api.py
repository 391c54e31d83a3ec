"""Answer operators."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from chatfold import blobs, clock, serving, standing
from chatfold.api import Api, readiness
from chatfold.api.tokens import tokens
from chatfold.operations import Desk, Links, Lists, tables
from chatfold.settings import Settings
from chatfold.tenancy import Register, Secrets
from providers.channels import CHANNELS
from schemas.topics import Topics

API_CONNECTIONS: Final = 500


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
    """Answer operators."""
    secrets = Secrets.from_environment()
    known = tokens(settings.api_token, settings.api_tokens, secrets)
    await standing.verify_database(settings)
    log = await stack.enter_async_context(standing.event_log(settings))
    reading = tables.of_pool(
        await stack.enter_async_context(standing.pool(settings)), settings.database_schema
    )
    lists = Lists(reading)
    desk = Desk(
        lists=lists,
        log=log,
        topic=Topics(settings.topic_prefix).inbox,
        append_seconds=settings.append_timeout_seconds,
        now=clock.now,
    )
    directory = await stack.enter_async_context(standing.tenants(settings))
    register = Register(
        directory=directory,
        log=log,
        topic=Topics(settings.topic_prefix).tenants,
        secrets=secrets,
        channels=CHANNELS,
        append_seconds=settings.append_timeout_seconds,
        now=clock.now,
    )
    storage = blobs.opened(settings.media_url, settings.home / "media")
    links = Links(lists, storage, clock.now)
    unready = readiness(log, reading, directory)
    await Api(desk=desk, register=register, links=links, tokens=known, unready=unready).serve(
        serving.listen(settings.api_host, settings.api_port),
        stop,
        drain_seconds=settings.drain_timeout_seconds,
        max_connections=API_CONNECTIONS,
    )
