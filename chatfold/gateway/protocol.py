"""uvicorn's HTTP protocol with a short way for webhooks that arrive in one piece.

Most webhooks are in memory as a whole before ASGI would begin to ask for them. For these the
task, the events and the messages of ASGI are a quarter of all costs; here they are answered by
a call and a call back, many at a time. Whatever is not so simple goes the ordinary way: a body
that is longer than one read, another method, a pipelined request, any other path.

It knows the inside of uvicorn 0.54, which is pinned; the tests send everything both ways.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from uvicorn._types import ASGI3Application, HTTPScope  # it has no public names for these
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from chatfold.gateway.answers import RESPONSES
from chatfold.gateway.outcomes import Outcome
from chatfold.gateway.webhooks import METHODS, PREFIX, Webhooks

logger = logging.getLogger(__name__)

LEAST_IDLE_SECONDS: Final = 1.0


def protocol(webhooks: Webhooks) -> Callable[..., "WebhookProtocol"]:
    """What makes the protocol of each new connection."""
    return partial(_connected, Arrivals(webhooks))


def _connected(arrivals: "Arrivals", **named: object) -> "WebhookProtocol":
    connection = WebhookProtocol(**named)  # type: ignore[arg-type]  # whatever uvicorn gives
    connection.arrivals = arrivals
    return connection


class Arrivals:
    """Webhooks that came with one round of the event loop; judged together, caches are warm."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._arrived: list[tuple[WebhookProtocol, RequestResponseCycle]] = []

    def add(self, connection: "WebhookProtocol", cycle: RequestResponseCycle) -> None:
        """Take a webhook that is in memory as a whole."""
        if not self._arrived:
            connection.loop.call_soon(self._judge)
        self._arrived.append((connection, cycle))

    def _judge(self) -> None:
        arrived, self._arrived = self._arrived, []
        time = self._webhooks.time()
        for connection, cycle in arrived:
            body, cycle.body = bytes(cycle.body), bytearray()
            finish = partial(connection.finish, cycle)
            try:
                self._webhooks.direct(cycle.scope, body, time, finish)  # type: ignore[arg-type]  # a TypedDict is a Scope
            except Exception:  # one answer that fails must not cost the others theirs
                logger.exception("answering a webhook failed")
                connection.transport.abort()


class WebhookProtocol(HttpToolsProtocol):
    """One connection."""

    arrivals: Arrivals
    _is_reading = False
    _begun: RequestResponseCycle | None = None
    _idle_since = 0.0

    def data_received(self, data: bytes) -> None:
        """Take what arrived; a webhook that is complete by then goes the short way."""
        self._is_reading = True
        super().data_received(data)
        self._is_reading = False
        cycle, self._begun = self._begun, None
        if cycle is None:
            return
        if cycle.more_body:
            super()._start_asgi_task(cycle, self.app)
        else:
            self.arrivals.add(self, cycle)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if self._is_reading and app is self.app and _is_webhook(cycle.scope):
            self._begun = cycle
        else:
            super()._start_asgi_task(cycle, app)

    def finish(self, cycle: RequestResponseCycle, outcome: Outcome) -> None:
        """Answer the webhook of `cycle`."""
        if cycle.disconnected or self.transport.is_closing():
            return
        self.transport.write(RESPONSES[outcome])
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def on_response_complete(self) -> None:
        """As uvicorn's, but a timer for idle connections that runs is left to run."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._idle_since = self.loop.time()
        self.flow.resume_reading()
        if self.pipeline:
            super()._start_asgi_task(*self.pipeline.pop())
        elif self.timeout_keep_alive_task is None:
            self._watch(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        """Nothing: a timer set and unset for each request costs a tenth of the request."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection, and of its timer."""
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle all the time, else look again."""
        self.timeout_keep_alive_task = None
        if self.transport.is_closing():
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        is_busy = not self.cycle.response_complete
        if left > 0 or is_busy:
            self._watch(max(left, LEAST_IDLE_SECONDS))
        else:
            self.transport.close()

    def _watch(self, seconds: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)


def _is_webhook(scope: HTTPScope) -> bool:
    return scope["method"] in METHODS and scope["path"].startswith(PREFIX)
