"""The API as a whole: who asks is known, what is asked is checked, every answer is counted."""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from chatfold import serving, telemetry
from chatfold.api import metrics, openapi, requests
from chatfold.api.calls import Call, Operation
from chatfold.api.outcomes import unavailable
from chatfold.api.problems import Kind, Mistake, Problem
from chatfold.api.routes import OPERATIONS
from chatfold.api.tokens import Bearer, Tokens
from chatfold.eventlog import AppendFailed
from chatfold.operations import Asker, BadCursor, Desk, Links, TablesAway
from chatfold.tenancy import Register
from schemas import codec

LOG: Final = logging.getLogger(__name__)

ROLE: Final = "api"
SOURCE: Final = "/chatfold/api"
ELSEWHERE: Final = "elsewhere"
_JSON: Final = "application/json"
_MISSING: Final = {404: Kind.NOT_FOUND, 405: Kind.WRONG_METHOD}


class Api:
    """Answers operators; `unready` tells why it could not."""

    def __init__(
        self,
        *,
        desk: Desk,
        register: Register,
        links: Links,
        tokens: Tokens,
        unready: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:
        self._desk = desk
        self._register = register
        self._links = links
        self._tokens = tokens
        self._app = Starlette(
            routes=[
                Route("/", _index),
                Route("/openapi.json", _document),
                *telemetry.health_routes(unready),
                *(self._route(operation) for operation in OPERATIONS),
            ],
            exception_handlers={HTTPException: _nothing_there},
        )
        self._app.router.redirect_slashes = False

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        return self._app(scope, receive, send)

    async def serve(
        self,
        listener: socket.socket,
        stop: asyncio.Event,
        *,
        drain_seconds: int,
        max_connections: int,
    ) -> None:
        """Serve until `stop`, then finish the requests under way."""
        beating = asyncio.create_task(telemetry.keep_beating(ROLE))
        try:
            await serving.serve(
                self, listener, stop, drain_seconds=drain_seconds, max_connections=max_connections
            )
        finally:
            beating.cancel()

    def _route(self, operation: Operation) -> Route:
        async def endpoint(request: Request) -> Response:
            began = time.perf_counter()
            response = await self._answer(operation, request)
            metrics.REQUESTS.labels(operation.name, response.status_code).inc()
            metrics.SECONDS.labels(operation.name).observe(time.perf_counter() - began)
            return response

        path = operation.path.replace("_id}", "_id:uuid}")
        return Route(path, endpoint, methods=[operation.method], name=operation.name)

    async def _answer(self, operation: Operation, request: Request) -> Response:
        try:
            return await self._done(operation, request)
        except Problem as problem:
            return problem.response()
        except (AppendFailed, TablesAway) as error:
            LOG.warning("%s is not possible now: %s", operation.name, error)
            return unavailable(error).response()
        except BadCursor as bad:
            mistake = Mistake("cursor", str(bad))
            return Problem(Kind.INVALID, "a parameter is wrong", [mistake]).response()
        except Exception:
            LOG.exception("%s failed", operation.name)
            return Problem(Kind.FAILED, "a bug: the log of the role has it").response()

    async def _done(self, operation: Operation, request: Request) -> Response:
        bearer = self._bearer(operation, request)
        key = requests.idempotency_key(request)
        asker = Asker(by=bearer.name, source=SOURCE, key=key)
        if operation.by_query:
            given = requests.from_query(operation.given, request.query_params)
        else:
            given = await requests.from_body(operation.given, request)
        name = next((str(value) for value in request.path_params.values()), "")
        call = Call(
            desk=self._desk, register=self._register, links=self._links, asker=asker, name=name
        )
        told = await operation.handle(call, given)
        return Response(told.model_dump_json(), operation.status, media_type=_JSON)

    def _bearer(self, operation: Operation, request: Request) -> Bearer:
        bearer = self._tokens.bearer(request.headers.get("authorization"))
        if bearer is None:
            raise Problem(Kind.UNAUTHENTICATED, "show a token: `Authorization: Bearer …`")
        if operation.acts and not bearer.may_act:
            raise Problem(Kind.FORBIDDEN, f"the token of {bearer.name} may look and not act")
        return bearer


async def _index(_: Request) -> Response:
    told = {
        "name": "chatfold",
        "role": ROLE,
        "version": version("chatfold"),
        "links": {
            "description": "/openapi.json",
            "health": "/healthz",
            "ready": "/readyz",
            "metrics": "/metrics",
        },
    }
    return Response(codec.dumps(told), media_type=_JSON)


async def _document(_: Request) -> Response:
    return Response(codec.dumps(openapi.document(version("chatfold"))), media_type=_JSON)


async def _nothing_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = Problem(
        _MISSING.get(error.status_code, Kind.INVALID),
        f"nothing at {request.method} {request.url.path}; /openapi.json tells what there is",
        headers=error.headers or {},
    )
    metrics.REQUESTS.labels(ELSEWHERE, problem.status).inc()
    return problem.response()
