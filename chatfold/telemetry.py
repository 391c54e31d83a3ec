"""What a role tells about itself: JSON logs, and /metrics, /healthz and /readyz on its own port."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final, cast

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, WrappedLogger

from chatfold import serving
from schemas import codec

Ready = Callable[[], Awaitable[Sequence[str]]]
"""Tells why a role is not ready; nothing when it is."""

READY_SECONDS: Final = 2.0
BEAT_SECONDS: Final = 5.0
_CHATTY: Final = ("aiokafka", "asyncio", "faust", "mode", "uvicorn")

HEARTBEAT: Final = Gauge(
    "chatfold_role_heartbeat_timestamp_seconds",
    "When the role's own loop last went round; if it stands still the role hangs: restart it.",
    ["role"],
)


def beat(role: str) -> None:
    """Show that `role` is alive and getting on."""
    HEARTBEAT.labels(role).set_to_current_time()


async def keep_beating(role: str) -> None:
    """Show that the event loop of `role` goes round, until cancelled."""
    while True:
        beat(role)
        await asyncio.sleep(BEAT_SECONDS)


def configure_logging(level: str, role: str = "") -> None:
    """Send every log record to stderr as one JSON line: time, level, role, event, fields."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


def _formatter(role: str) -> logging.Formatter:
    def in_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"time": event.pop("time"), "level": event.pop("level"), "role": role, **event}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            in_order,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
    )


def _json(event: object, **_options: object) -> str:
    try:
        return codec.dumps(event).decode()
    except TypeError:  # a field that JSON cannot hold must not cost the line
        fields = cast(dict[str, object], event)
        return codec.dumps({name: str(field) for name, field in fields.items()}).decode()


def health_routes(ready: Ready) -> list[Route]:
    """The routes /metrics, /healthz, /health and /readyz of a role."""

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    async def healthz(_: Request) -> Response:
        return _answer(200, {"status": "ok"})

    async def readyz(_: Request) -> Response:
        reasons = await _reasons(ready)
        return _answer(503 if reasons else 200, {"ready": not reasons, "reasons": list(reasons)})

    return [
        Route("/metrics", metrics),
        Route("/healthz", healthz),
        Route("/health", healthz),
        Route("/readyz", readyz),
    ]


async def _reasons(ready: Ready) -> Sequence[str]:
    try:
        return await asyncio.wait_for(ready(), READY_SECONDS)
    except TimeoutError:
        return [f"no answer within {READY_SECONDS:g} s"]


def _answer(status: int, value: object) -> Response:
    return Response(codec.dumps(value), status, media_type="application/json")


@contextlib.asynccontextmanager
async def serve_health(port: int, ready: Ready, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serve a role's health routes while the block runs; yields the port (0 picks a free one)."""
    listener = serving.listen(host, port)
    bound: int = listener.getsockname()[1]
    stop = asyncio.Event()
    app = Starlette(routes=list(health_routes(ready)))
    server = asyncio.create_task(serving.serve(app, listener, stop, drain_seconds=1))
    try:
        yield bound
    finally:
        stop.set()
        await server
