"""Every role as a process, a provider that posts and retries, and what must hold in the end."""

import asyncio
import itertools
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from chatfold import clock, views
from chatfold.demo import script, stage
from chatfold.eventlog import EventLog
from chatfold.policies import policy_of
from chatfold.sandbox import base_urls
from chatfold.settings import Settings
from chatfold.stack import Stack
from chatfold.tenancy import record_of
from providers.registry import PROVIDERS
from schemas import codec
from schemas.facts import (
    MessageReceived,
    MessageSendFailed,
    MessageSendUnconfirmed,
    MessageSent,
    ReplyGenerated,
)
from schemas.tenants import Tenant
from schemas.topics import Topics
from tests.support import kafka, oracle, tables, webhooks
from tests.support.servers import isolated

SECRET = script.SECRETS["CHATFOLD_DEMO_SECRET"]
ENDINGS = (MessageSent, MessageSendFailed, MessageSendUnconfirmed)


@asynccontextmanager
async def everything(servers: Settings, stack: Stack) -> AsyncIterator[stage.Stage]:
    """All roles and the sandbox, on names of their own."""
    standing = stage.Stage(_of_its_own(servers), stack, statuses=False)
    try:
        await stage.set_up(standing, lambda _: None)
        await _hurry(standing)
        yield standing
    finally:
        for child in standing.roles.values():
            child.process.send_signal(signal.SIGCONT)
        await stage.tear_down(standing, stop_stack=False)


def _of_its_own(servers: Settings) -> Settings:
    """Names that nobody else has, even who begins in the same second."""
    own = stage.of_its_own(servers, clock.now())
    named = isolated(own, "everything", own.home)
    home = own.home / named.topic_prefix
    return named.model_copy(update={"home": home, "media_url": str(home / "media")})


async def _hurry(standing: stage.Stage) -> None:
    """Let replies not wait for minutes behind one that a freeze or a kill has left unconfirmed."""
    log = EventLog(standing.settings.bootstrap, max_pending_bytes=1_000_000)
    await log.start()
    try:
        name = Topics(standing.settings.topic_prefix).tenants
        await log.append(name, [record_of(_hasty(standing), clock.now())], 30)
    finally:
        await log.stop()


def _hasty(standing: stage.Stage) -> Tenant:
    tenant = script.tenant(base_urls(standing.sandbox_url))
    return tenant.model_copy(update={"confirmation_minutes": 0.01, "order_minutes": 0.0})


def restart(standing: stage.Stage, role: str, *, second: str = "") -> None:
    """Start `role` again, or one more of it under the name `second`."""
    standing.roles[second or role] = stage.start_role(standing, role)


def kill(standing: stage.Stage, role: str) -> None:
    process = standing.roles[role].process
    process.kill()
    process.wait()


class Provider:
    """Posts messages of many people, in each one's order; what is not answered 200 comes again."""

    def __init__(self, standing: stage.Stage, *, people: int, pause: float = 0.05) -> None:
        self.accepted: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._url = f"{standing.gateway_url}/webhooks/whatsapp_cloud"
        self._pause = pause
        self._going = True
        self._people = [asyncio.create_task(self._write(number)) for number in range(people)]

    async def stop(self) -> None:
        """Let each one's last message be accepted, and no other be begun."""
        self._going = False
        await asyncio.gather(*self._people)

    async def more(self, count: int) -> None:
        """Wait until `count` more are accepted."""
        wanted = len(self.accepted) + count
        async with asyncio.timeout(60):
            while len(self.accepted) < wanted:
                await asyncio.sleep(0.02)

    async def _write(self, person: int) -> None:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for number in itertools.count():
                if not self._going:
                    return
                wamid = f"wamid.{person}.{number}"
                body = codec.dumps(_body(wamid, person))
                while await self._post(session, body) != 200:
                    await asyncio.sleep(0.1)
                self.accepted.add(wamid)
                await asyncio.sleep(self._pause)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> int:
        signature = PROVIDERS["whatsapp_cloud"].sign(body, SECRET)
        headers = {"content-type": "application/json", **signature}
        try:
            async with session.post(self._url, data=body, headers=headers) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        self.statuses[status] += 1
        return status


def _body(wamid: str, person: int) -> dict:
    told = webhooks.body(webhooks.text("Hello", wamid=wamid, user=str(4915100000000 + person)))
    value = told["entry"][0]["changes"][0]["value"]
    value["metadata"]["phone_number_id"] = script.ACCOUNTS["whatsapp_cloud"]
    return told


async def settled(standing: stage.Stage, wanted: set[str], seconds: float = 60) -> None:
    """Return when all messages are decided and what became of each reply is known."""
    async with asyncio.timeout(seconds):
        while (missing := await _unsettled(standing.settings, wanted)) and missing:
            await asyncio.sleep(0.3)


async def _unsettled(settings: Settings, wanted: set[str]) -> set[str]:
    facts = [fact.data for fact in await kafka.facts(settings)]
    received = {f.platform_message_id for f in facts if isinstance(f, MessageReceived)}
    generated = {f.reply_id for f in facts if isinstance(f, ReplyGenerated)}
    ended = {f.reply_id for f in facts if isinstance(f, ENDINGS)}
    return (wanted - received) | (generated - ended)


async def assert_nothing_is_wrong(standing: stage.Stage, provider: Provider) -> None:
    """Every 200 is in the log and decided once; tables are the fold; no reply came twice."""
    settings = standing.settings
    facts = await kafka.facts(settings)
    received = [f.data.platform_message_id for f in facts if isinstance(f.data, MessageReceived)]
    assert provider.accepted <= set(received)
    assert len(received) == len(set(received))
    assert await kafka.facts_differ(settings, policy_of(_hasty(standing))) == []
    await _assert_tables(settings, facts)
    summary = await sandbox(standing)
    assert summary["doubled_references"] == {}
    sent = {f.data.reply_id for f in facts if isinstance(f.data, MessageSent)}
    assert summary["references"] >= len(sent)


async def _assert_tables(settings: Settings, facts: list) -> None:
    schema = f"{settings.database_schema}_want"
    expected = await tables.expected(settings.database, schema, oracle.tables(facts))
    async with asyncio.timeout(30):
        while await tables.dump(settings.database, settings.database_schema) != expected:
            await asyncio.sleep(0.5)


async def sandbox(standing: stage.Stage) -> dict:
    url = f"{standing.sandbox_url}/_sandbox/summary"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return codec.loads(await answer.read())


async def assert_views_are_back(standing: stage.Stage, *, people: int) -> None:
    """Every chat has its view, with as many messages as the log says."""
    facts = await kafka.facts(standing.settings)
    last = {fact.chat_id: fact.sequence for fact in facts}
    assert len(last) == people
    async with views.opened(standing.settings) as store, asyncio.timeout(60):
        while {v.chat_id: v.seq for v in await store.active(script.TENANT, limit=1000)} != last:
            await asyncio.sleep(0.3)


async def post_one_body(standing: stage.Stage, *, messages: int, words: int) -> set[str]:
    """Post one body of many messages by many people, and see it accepted; their ids."""
    wamids = [f"wamid.large.{number}" for number in range(messages)]
    told = [
        webhooks.text("x" * words, wamid=wamid, user=str(4915200000000 + number % 300))
        for number, wamid in enumerate(wamids)
    ]
    whole = webhooks.body(*told)
    value = whole["entry"][0]["changes"][0]["value"]
    value["metadata"]["phone_number_id"] = script.ACCOUNTS["whatsapp_cloud"]
    body = codec.dumps(whole)
    signature = PROVIDERS["whatsapp_cloud"].sign(body, SECRET)
    headers = {"content-type": "application/json", **signature}
    url = f"{standing.gateway_url}/webhooks/whatsapp_cloud"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        assert answer.status == 200
    return set(wamids)
