"""What a signed webhook of 2 KB costs, from the socket to the acknowledged log.

CPU is that of the server's own process. The floor is uvicorn with uvloop and httptools and all
that can be turned off turned off, as in the gateway; beside it uvicorn as it comes, without its
access log. 64 connections, each with one request under way. With `--provider all` the gateway
takes each provider's in turn, as multiples of WhatsApp's.
"""

import asyncio
import contextlib
import hmac
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import uvicorn
import uvloop
from aiokafka import AIOKafkaProducer

from chatfold import clock, collector, serving, tenancy, topics
from chatfold.eventlog import EventLog
from chatfold.gateway import Gateway, Limits
from chatfold.settings import Settings, load
from providers.registry import PROVIDERS
from schemas import codec
from schemas.tenants import Account, Tenant
from schemas.topics import Topics
from tests.bench import common, posting
from tests.bench import providers as messages
from tests.support import servers

SECRET = "bench secret"
REQUESTS = 20_000
MODULE = "tests.bench.gateway"


async def floor_app(scope, receive, send) -> None:
    """Answers 200 and does nothing."""
    while (await receive()).get("more_body"):
        pass
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def floor(_: Settings):
    """uvicorn with nothing behind it."""
    yield floor_app


async def serve_plain(port: int) -> None:
    """uvicorn as it comes, without its access log."""
    config = uvicorn.Config(
        floor_app, port=port, access_log=False, log_level="warning", lifespan="off"
    )
    server = uvicorn.Server(config)
    serving_task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await serving_task


@contextlib.asynccontextmanager
async def peer(settings: Settings):
    """What is usually written: FastAPI, the signature, the JSON, aiokafka's `send`."""
    from fastapi import FastAPI, HTTPException, Request, Response

    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, enable_idempotence=True, linger_ms=2
    )
    await producer.start()
    app, topic = FastAPI(), Topics(settings.topic_prefix).inbox

    @app.post(posting.PREFIX + messages.REFERENCE)
    async def webhook(request: Request) -> Response:
        raw = await request.body()
        signed = "sha256=" + hmac.digest(SECRET.encode(), raw, "sha256").hex()
        if not hmac.compare_digest(signed, request.headers.get("x-hub-signature-256", "")):
            raise HTTPException(401)
        for entry in codec.loads(raw)["entry"]:
            for change in entry["changes"]:
                for message in change["value"]["messages"]:
                    key = message["from"].encode()
                    await producer.send_and_wait(topic, codec.dumps(message), key)
        return Response()

    try:
        yield app
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def ours(settings: Settings):
    """The gateway, everything on."""
    names = Topics(settings.topic_prefix)
    log = EventLog(settings.bootstrap, max_pending_bytes=settings.max_pending_bytes)
    directory = tenancy.TenantDirectory(settings.bootstrap, names.tenants)
    await log.start()
    await directory.start()
    yield Gateway(
        log=log,
        topic=names.inbox,
        directory=directory,
        secrets=tenancy.Secrets({"SECRET": SECRET}),
        providers=PROVIDERS,
        limits=Limits(
            body_bytes=settings.max_body_bytes,
            body_seconds=settings.body_timeout_seconds,
            append_seconds=settings.append_timeout_seconds,
            pending_bytes=settings.max_pending_bytes,
        ),
        now=clock.now,
    )
    await directory.stop()
    await log.stop()


async def serve(name: str, port: int) -> None:
    """Be one of the contenders, until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with {"floor": floor, "peer": peer, "ours": ours}[name](load()) as app:
        listener = serving.listen("127.0.0.1", port)
        serve = app.serve if isinstance(app, Gateway) else partial(serving.serve, app)
        print("ready", flush=True)
        await serve(listener, stop, drain_seconds=5)


@dataclass(frozen=True)
class Challenge:
    """A server, whose webhooks it gets, and with what secret they are signed."""

    title: str
    server: str
    provider: str
    secret: str = SECRET


@contextmanager
def opened(one: Challenge, settings: Settings) -> Iterator[Callable[[], common.Run]]:
    """One contender in a process of its own, and the load in another."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    env = servers.environment(settings)
    with (
        common.child(MODULE, "serve", one.server, port, env=env) as server,
        common.child(MODULE, "load", one.provider, port, one.secret, str(REQUESTS)) as load_,
    ):
        yield partial(measure, server, load_, one.secret == SECRET)


def measure(server: common.Child, load_: common.Child, accepted: bool) -> common.Run:
    """One round of requests."""
    with common.timed(server) as used:
        told = load_.ask("go")
        _, cpu = used()
    assert told["accepted"] == (told["answered"] if accepted else 0), told
    figures = {"p50_ms": told["p50_ms"], "p99_ms": told["p99_ms"]}
    return common.Run(int(told["answered"]), told["seconds"], cpu, figures)


async def prepare(settings: Settings) -> None:
    """Topics, and a tenant with the accounts that the webhooks are for."""
    await topics.apply(topics.plan(settings))
    accounts = tuple(
        Account(
            provider=name,
            account=messages.account(name),
            platform=provider.platform,
            secrets=("env:SECRET",),
        )
        for name, provider in PROVIDERS.items()
    )
    tenant = Tenant(tenant_id="bench", name="Bench", accounts=accounts)
    log = EventLog(settings.bootstrap, max_pending_bytes=1_000_000)
    await log.start()
    await log.append(
        Topics(settings.topic_prefix).tenants, [tenancy.record_of(tenant, clock.now())], 10
    )
    await log.stop()


def challenges(provider: str) -> list[Challenge]:
    """The contenders, the one first that the others are multiples of."""
    if provider == messages.ALL:
        return [Challenge(f"the gateway, {name}", "ours", name) for name in PROVIDERS]
    found = [
        Challenge("bare uvicorn, 200 and nothing done", "floor", provider),
        Challenge("uvicorn as it comes, 200 and nothing done", "plain", provider),
        Challenge("the gateway", "ours", provider),
        Challenge("the gateway, wrong signatures", "ours", provider, secret="wrong"),
    ]
    if provider == messages.REFERENCE:
        found.append(Challenge("FastAPI and aiokafka send", "peer", provider))
    return found


def main() -> None:
    """Run everything and tell."""
    chosen = common.options(__doc__ or "", rounds=5, providers=(*PROVIDERS, messages.ALL))
    with common.stack() as shared:
        settings = servers.isolated(shared, MODULE, shared.home)
        asyncio.run(prepare(settings))
        contenders = [
            common.Contender(one.title, partial(opened, one, settings))
            for one in challenges(chosen.provider)
        ]
        results = common.interleaved(contenders, chosen.rounds)
    common.tell(results, contenders[0].name, as_json=chosen.json)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", "plain", port]:
            uvloop.run(serve_plain(int(port)))
        case ["serve", name, port]:
            collector.relax()  # as every role does
            uvloop.run(serve(name, int(port)))
        case ["load", provider, port, secret, requests]:
            uvloop.run(posting.post_all(provider, int(port), secret, int(requests)))
        case _:
            main()
