"""uvicorn inside a role: serves until told to stop, drains, and leaves signals to the role."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from chatfold.refusal import Refusal

BACKLOG: Final = 2048
KEEP_ALIVE_SECONDS: Final = 75  # providers reuse connections; nginx waits as long


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int, *, reuse_port: bool = False) -> socket.socket:
    """A listening socket; with `reuse_port` several processes may share the port.

    Raises `Refusal` where the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(
            (host, port), family=family, backlog=BACKLOG, reuse_port=reuse_port
        )
    except OSError as error:
        raise Refusal(
            f"port {port} of {host} cannot be listened on ({error.strerror}): choose another in"
            " CHATFOLD_GATEWAY_PORT, CHATFOLD_API_PORT or CHATFOLD_METRICS_PORT, or stop what uses"
            " it"
        ) from None


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    drain_seconds: int,
    max_connections: int | None = None,
    protocol: Callable[..., asyncio.Protocol] | None = None,
) -> None:
    """Answer requests until `stop`; those begun are finished, for `drain_seconds` at most."""
    config = _config(app, drain_seconds, max_connections)
    config.load()
    if protocol is not None:
        config.http_protocol_class = protocol  # type: ignore[assignment]  # it only calls it
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving


def _config(app: ASGIApp, drain_seconds: int, max_connections: int | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=BACKLOG,
        limit_concurrency=max_connections,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
    )
