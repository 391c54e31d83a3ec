"""A gateway on a real Kafka, in the test's own process or in one that can be killed."""

import asyncio
import contextlib
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from pathlib import Path

import aiohttp

from chatfold import clock, serving, tenancy, topics
from chatfold.eventlog import EventLog
from chatfold.gateway import Gateway, Limits
from chatfold.settings import Settings
from providers.registry import PROVIDERS
from schemas import codec, envelope
from schemas.inputs import WebhookReceived, WebhookUnrouted
from schemas.tenants import Tenant
from schemas.topics import Topics
from tests.support.edge import SECRETS, signed
from tests.support.records import held
from tests.support.roles import Process, free_port

LIMITS = Limits(
    body_bytes=4_000_000, body_seconds=5.0, append_seconds=2.0, pending_bytes=20_000_000
)


async def prepare(settings: Settings, *tenants: Tenant) -> None:
    """Topics and tenants."""
    await topics.apply(topics.plan(settings))
    async with opened_log(settings) as log:
        records = [tenancy.record_of(one, clock.now()) for one in tenants]
        await log.append(Topics(settings.topic_prefix).tenants, records, 10)


@contextlib.asynccontextmanager
async def opened_log(settings: Settings, **options: int) -> AsyncIterator[EventLog]:
    log = EventLog(settings.bootstrap, **{"max_pending_bytes": 20_000_000, **options})
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


class Served:
    """A gateway that listens, and a client of it."""

    def __init__(self, url: str, settings: Settings, stop: asyncio.Event) -> None:
        self.url = url
        self.settings = settings
        self.stop = stop
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=30)
        )

    async def post(
        self, path: str, body: bytes, headers=None, *, pieces: int = 1, method: str = "POST"
    ) -> tuple[int, dict[str, str], bytes]:
        """The answer; with several `pieces` the body comes in as many chunks."""
        data = io.BytesIO(body) if pieces == 1 else _chunks(body, pieces)
        kind = {"content-type": "application/json"}
        async with self.session.request(
            method, self.url + path, data=data, headers=kind | dict(headers or {})
        ) as answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, named, await answer.read()

    async def get(self, path: str) -> tuple[int, bytes]:
        async with self.session.get(self.url + path) as answer:
            return answer.status, await answer.read()

    async def inbox(self) -> list[WebhookReceived | WebhookUnrouted]:
        """All inputs that are in the log."""
        return await inputs(self.settings)


async def inputs(settings: Settings) -> list[WebhookReceived | WebhookUnrouted]:
    records = await held(settings.bootstrap, Topics(settings.topic_prefix).inbox)
    return [
        envelope.decode(codec.INPUTS, value=one.value, headers=one.headers).data for one in records
    ]


@contextlib.asynccontextmanager
async def served(
    settings: Settings, *tenants: Tenant, limits: Limits = LIMITS, **changes: float
) -> AsyncIterator[Served]:
    """A gateway in this process."""
    await prepare(settings, *tenants)
    limits, stop = replace(limits, **changes), asyncio.Event()
    directory = tenancy.TenantDirectory(settings.bootstrap, Topics(settings.topic_prefix).tenants)
    await directory.start()
    listener = serving.listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with opened_log(settings, max_pending_bytes=limits.pending_bytes) as log:
        gateway = Gateway(
            log=log,
            topic=Topics(settings.topic_prefix).inbox,
            directory=directory,
            secrets=tenancy.Secrets(SECRETS),
            providers=PROVIDERS,
            limits=limits,
            now=clock.now,
        )
        serving_task = asyncio.create_task(gateway.serve(listener, stop, drain_seconds=5))
        client = Served(url, settings, stop)
        try:
            yield client
        finally:
            await client.session.close()
            stop.set()
            await serving_task
            await directory.stop()


class Load:
    """Posts ever new messages over many connections and remembers which were answered 200."""

    def __init__(self, url: str, *, connections: int) -> None:
        self.accepted: set[str] = set()
        self.statuses: Counter[object] = Counter()
        self._url = url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        self._tasks = [asyncio.create_task(self._post(n, connections)) for n in range(connections)]

    async def __aenter__(self) -> "Load":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._session.close()

    async def until_accepted(self, more: int) -> None:
        wanted = len(self.accepted) + more
        async with asyncio.timeout(60):
            while len(self.accepted) < wanted:
                await asyncio.sleep(0.01)

    async def _post(self, first: int, step: int) -> None:
        number = first
        while True:
            name = f"wamid.{number}"
            body = message(name, user=str(49151000 + number % 50))
            try:
                async with self._session.post(
                    f"{self._url}/webhooks/whatsapp_cloud",
                    data=body,
                    headers=signed(body, "ACME") | {"content-type": "application/json"},
                ) as answer:
                    self.statuses[answer.status] += 1
                    if answer.status == 200:
                        self.accepted.add(name)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                self.statuses[type(error).__name__] += 1
                await asyncio.sleep(0.01)
            number += step


def message(*names: str, user: str = "4915112345678", text: str = "hi") -> bytes:
    """A WhatsApp body with one message for each name, to account 100."""
    messages = [{"from": user, "id": n, "type": "text", "text": {"body": text}} for n in names]
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "100"},
        "messages": messages,
    }
    changes = [{"field": "messages", "value": value}]
    return codec.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "900", "changes": changes}]}
    )


async def _chunks(body: bytes, pieces: int) -> AsyncIterator[bytes]:
    size = -(-len(body) // pieces) or 1
    for at in range(0, len(body), size):
        yield body[at : at + size]
        await asyncio.sleep(0.001)


def names(found: Iterable[WebhookReceived | WebhookUnrouted]) -> list[str]:
    return [one.message_id for one in found]


def role(settings: Settings, log: Path) -> tuple[Process, str]:
    """A gateway as an operator starts it."""
    port = free_port()
    named = settings.model_copy(update={"gateway_port": port})
    secrets = {"ACME": "acme's secret", "ACME_OLD": "old", "VERIFY": "word", "BOT": "bots"}
    process = Process("gateway", named, log, **secrets)
    process.port = port  # its health is where its webhooks are
    return process, f"http://127.0.0.1:{port}"
