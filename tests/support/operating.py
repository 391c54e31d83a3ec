"""What operators use, on real servers: the API, in this process or as a role, and the commands."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner

from chatfold import blobs, clock, database, migrate, serving, topics
from chatfold.api import Api, readiness
from chatfold.api.tokens import tokens
from chatfold.cli.everything import app
from chatfold.eventlog import EventLog
from chatfold.operations import Desk, Links, Lists, tables
from chatfold.settings import Settings
from chatfold.tenancy import Register, Secrets, TenantDirectory
from providers.channels import CHANNELS
from schemas import codec
from schemas.topics import Topics
from tests.support import kafka, roles, servers
from tests.support.operators import SECRETS as WORDS
from tests.support.operators import TOKENS

DEADLINE = 30.0


class Client:
    """Alice, who asks the API."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session

    async def get(self, path: str) -> dict:
        status, told, _ = await self.ask("GET", path)
        assert status == 200, told
        return told

    async def post(self, path: str, given: object = None, **headers: str) -> dict:
        status, told, _ = await self.ask("POST", path, given, **headers)
        assert status == 202, told
        return told

    async def ask(self, method: str, path: str, given: object = None, **headers: str):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if given is None else codec.dumps(given)
        if body:
            named["content-type"] = "application/json"
        async with self._session.request(
            method, self._url + path, data=body, headers=named
        ) as answer:
            return answer.status, codec.loads(await answer.read()), answer.headers


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {WORDS['ALICE']}"}
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Client(url, session)


@asynccontextmanager
async def serving_api(settings: Settings) -> AsyncIterator[Client]:
    """The API in this process, and a client of it."""
    log = EventLog(settings.bootstrap, max_pending_bytes=settings.max_pending_bytes)
    await log.start()
    pool = await database.open_pool(settings.database)
    reading = tables.of_pool(pool, settings.database_schema)
    desk = Desk(
        lists=Lists(reading),
        log=log,
        topic=Topics(settings.topic_prefix).inbox,
        append_seconds=2,
        now=clock.now,
    )
    known = tokens(None, TOKENS, Secrets(WORDS))
    directory = TenantDirectory(settings.bootstrap, Topics(settings.topic_prefix).tenants)
    await topics.apply(topics.plan(settings))
    await directory.start()
    register = Register(
        directory=directory,
        log=log,
        topic=Topics(settings.topic_prefix).tenants,
        secrets=Secrets(WORDS),
        channels=CHANNELS,
        append_seconds=2,
        now=clock.now,
    )
    unready = readiness(log, reading, directory)
    storage = blobs.opened(settings.media_url, settings.home / "media")
    links = Links(desk.lists, storage, clock.now)
    api = Api(desk=desk, register=register, links=links, tokens=known, unready=unready)
    listener, stop = serving.listen("127.0.0.1", 0), asyncio.Event()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    task = asyncio.create_task(api.serve(listener, stop, drain_seconds=1, max_connections=10))
    try:
        async with client(url) as alice:
            yield alice
    finally:
        stop.set()
        await task
        await directory.stop()
        await log.stop()
        await pool.close()


async def until(condition: Callable, what: str):
    """What `condition` comes to, once that is true."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not (met := await condition()):
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"waited {DEADLINE} s for {what}")
    return met


async def run(settings: Settings, *words: str, code: int = 0):
    """The JSON that a command prints."""
    env = servers.environment(settings) | {"COLUMNS": "200", "LOGNAME": "ada"}
    done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"], env=env)
    assert done.exit_code == code, done.output
    return codec.loads(done.stdout.encode()) if done.stdout else None


async def recorded(settings: Settings, kind: type) -> list:
    return [fact.data for fact in await kafka.facts(settings) if isinstance(fact.data, kind)]


class ApiProcess(roles.Process):
    """The role as an operator starts it; it tells its health where it answers."""

    def __init__(self, settings: Settings, log: Path, **env: str) -> None:
        port = roles.free_port()
        super().__init__("api", settings, log, CHATFOLD_API_PORT=str(port), **env)
        self.port = port


@asynccontextmanager
async def pipeline(settings: Settings, folder: Path) -> AsyncIterator[Client]:
    """Decider, projector and API as processes."""
    await kafka.prepare(settings, kafka.TENANT)
    await migrate.migrate(settings.database, settings.database_schema)
    api = ApiProcess(settings, folder / "api.log", CHATFOLD_API_TOKENS=f"alice:{WORDS['ALICE']}")
    decider = roles.Process("decider", settings, folder / "decider.log")
    projector = roles.Process("projector", settings, folder / "projector.log")
    with roles.running(api, decider, projector):
        await asyncio.gather(
            *(asyncio.to_thread(one.wait_ready) for one in (api, decider, projector))
        )
        async with client(f"http://127.0.0.1:{api.port}") as alice:
            yield alice
