"""What providers have in common here: a request is read, judged, struck by faults, recorded."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from aiohttp import web

from chatfold.sandbox.faults import Fault, FaultKind, Faults, Suffers, befalls_all
from chatfold.sandbox.journal import Journal, Received
from schemas import codec
from schemas.content import Json

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answers; `message_id` names a message that it took."""

    status: int
    body: Json
    message_id: str | None = None
    headers: Mapping[str, str] | None = None

    @property
    def response(self) -> web.Response:
        """As HTTP."""
        return web.Response(
            status=self.status,
            body=codec.dumps(self.body),
            content_type=JSON,
            headers=self.headers,
        )


class Api(Protocol):
    """One provider's side: its judgement of a request, and its words for a refusal."""

    def judge(self, request: Received, authorization: str) -> Answer:
        """The answer to a request that no fault befalls."""

    def refuse(self, status: int, retry_after: int | None) -> Answer:
        """The answer to a request that a fault befalls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the sandbox consists of; `latency` is in seconds, for every answer."""

    journal: Journal
    faults: Faults
    now: Callable[[], datetime]
    on_accepted: Callable[[Received], None]
    latency: float = 0.0


async def body_of(request: web.Request) -> Json:
    """The JSON object of a request, empty where there is none."""
    try:
        body = codec.loads(await request.read())
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


async def answer(
    world: World, api: Api, received: Received, http: web.Request, authorization: str
) -> web.Response:
    """Answer a request as the provider would, or as an ordered fault wants it."""
    fault = await struck(world, received)
    if fault and not fault.fault.takes_the_message:
        return _refused(world, api, received, fault, http)
    judged = api.judge(received, authorization)
    _record(world, received, judged)
    if fault and fault.fault is FaultKind.LOST_ANSWER:
        return cut(http)
    if fault and fault.fault is FaultKind.MALFORMED:
        return web.Response(body=b'{"messages": [{"id": "wam', content_type=JSON)
    return judged.response


async def struck(world: World, received: Received, suffers: Suffers = befalls_all) -> Fault | None:
    """The fault that befalls a request, once it is time to answer."""
    fault = world.faults.take(
        provider=received.provider,
        account=received.account,
        to=received.to,
        text=received.text,
        method=received.method,
        suffers=suffers,
    )
    received.fault = fault.fault if fault else None
    if world.latency:
        await asyncio.sleep(world.latency)
    if fault and fault.fault is FaultKind.SLOW:
        await asyncio.sleep(fault.delay)
    return fault


def _refused(
    world: World, api: Api, received: Received, fault: Fault, http: web.Request
) -> web.Response:
    if fault.fault.status is None:
        world.journal.add(received)
        return cut(http)
    refusal = api.refuse(fault.fault.status, fault.retry_after)
    _record(world, received, refusal)
    return refusal.response


def _record(world: World, received: Received, answered: Answer) -> None:
    received.status = answered.status
    received.accepted = answered.status < 300
    received.message_id = answered.message_id
    world.journal.add(received)
    if received.accepted and received.is_send:
        world.on_accepted(received)


def cut(http: web.Request) -> web.Response:
    """End the connection without an answer."""
    if http.transport is not None:
        http.transport.abort()
    return web.Response()
