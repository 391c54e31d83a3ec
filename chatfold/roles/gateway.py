"""Take webhooks."""

import asyncio
from contextlib import AsyncExitStack

from chatfold import clock, serving, standing
from chatfold.gateway import Gateway, Limits
from chatfold.settings import Settings
from chatfold.tenancy import Secrets
from providers.registry import PROVIDERS
from schemas.topics import Topics


async def run(settings: Settings, stop: asyncio.Event, stack: AsyncExitStack) -> None:
    """Take webhooks."""
    role = Gateway(
        log=await stack.enter_async_context(standing.event_log(settings)),
        topic=Topics(settings.topic_prefix).inbox,
        directory=await stack.enter_async_context(standing.tenants(settings)),
        secrets=Secrets.from_environment(),
        providers=PROVIDERS,
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            body_seconds=settings.body_timeout_seconds,
            append_seconds=settings.append_timeout_seconds,
            pending_bytes=settings.max_pending_bytes,
        ),
        now=clock.now,
    )
    host, port = settings.gateway_host, settings.gateway_port
    await role.serve(
        serving.listen(host, port, reuse_port=settings.gateway_reuse_port),
        stop,
        drain_seconds=settings.drain_timeout_seconds,
        max_connections=settings.gateway_max_connections,
    )
