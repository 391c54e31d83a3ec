"""The gateway as a whole: webhooks, a word about itself, and its health."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from chatfold import serving, telemetry
from chatfold.clock import Clock
from chatfold.eventlog import AppendFailed, EventLog, KafkaUnreachable
from chatfold.gateway.addresses import Addresses
from chatfold.gateway.protocol import protocol
from chatfold.gateway.webhooks import PREFIX, Limits, Webhooks
from chatfold.refusal import Refusal
from chatfold.tenancy import Secrets, TenantDirectory
from providers.protocol import Provider
from schemas import codec

ROLE: Final = "gateway"
PREPARE_SECONDS: Final = 10.0
REACH_SECONDS: Final = 1.5
SECRETS_SECONDS: Final = 30.0  # a secret that is replaced in its file counts after this


class Gateway:
    """Takes webhooks and appends them; `log` and `directory` are started already."""

    def __init__(
        self,
        *,
        log: EventLog,
        topic: str,
        directory: TenantDirectory,
        secrets: Secrets,
        providers: Mapping[str, Provider],
        limits: Limits,
        now: Clock,
    ) -> None:
        self._log = log
        self._topic = topic
        self._directory = directory
        self._providers = providers
        self._addresses = Addresses(directory, secrets, providers)
        self._webhooks = Webhooks(
            log=log, topic=topic, addresses=self._addresses, limits=limits, now=now
        )
        self._rest = Starlette(
            routes=[Route("/", self._index), *telemetry.health_routes(self.unready)]
        )

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        app = self._webhooks if scope["path"].startswith(PREFIX) else self._rest
        return app(scope, receive, send)

    async def unready(self) -> Sequence[str]:
        """Why webhooks could not be taken now."""
        reasons = []
        if not self._directory.is_following:
            reasons.append("changes of tenants are not followed")
        try:
            await self._log.reach(REACH_SECONDS)
        except KafkaUnreachable as unreachable:
            reasons.append(str(unreachable))
        return reasons

    async def serve(
        self,
        listener: socket.socket,
        stop: asyncio.Event,
        *,
        drain_seconds: int,
        max_connections: int | None = None,
    ) -> None:
        """Serve until `stop`, then finish the webhooks under way; raises `Refusal`."""
        try:
            await self._log.prepare(self._topic, PREPARE_SECONDS)
        except AppendFailed as failure:
            raise Refusal(f"the gateway cannot append: {failure}") from None
        async with self._kept_up():
            await serving.serve(
                self,
                listener,
                stop,
                drain_seconds=drain_seconds,
                max_connections=max_connections,
                protocol=protocol(self._webhooks),
            )

    @contextlib.asynccontextmanager
    async def _kept_up(self) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(telemetry.keep_beating(ROLE)),
            asyncio.create_task(self._refresh_secrets()),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    async def _refresh_secrets(self) -> None:
        while True:
            await asyncio.sleep(SECRETS_SECONDS)
            if await asyncio.to_thread(self._addresses.refresh_secrets):
                self._addresses.forget()

    async def _index(self, _: Request) -> Response:
        told = {
            "name": "chatfold",
            "role": ROLE,
            "version": version("chatfold"),
            "webhooks": [f"{PREFIX}{name}" for name in self._providers],
            "links": {"health": "/healthz", "ready": "/readyz", "metrics": "/metrics"},
        }
        return Response(codec.dumps(told), media_type="application/json")
