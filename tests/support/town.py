"""Roles as processes with the sandbox beside them, and a person who writes over the gateway."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from PIL import Image

from chatfold import clock, database, migrate
from chatfold.sandbox import Sandbox, running
from chatfold.sandbox.media import File
from chatfold.settings import Settings
from chatfold.tenancy import record_of, removal_of, sealing
from providers.registry import PROVIDERS
from schemas import codec, identity
from schemas.content import Platform
from schemas.envelope import Recorded
from schemas.facts import Fact, MessageReceived, ReplyGenerated
from schemas.tenants import Account, SendLimits, Tenant
from schemas.topics import Topics
from tests.support import agents, kafka, roles, webhooks

F = TypeVar("F", bound=Fact)
T = TypeVar("T")

TENANT, PERSON = "acme", "4915100000001"
KEYS = sealing.new_key("test")
ENVIRONMENT = {
    "SECRET_ONE": "first secret",
    "SECRET_TWO": "second secret",
    "TOKEN_GOOD": "good",
    "TOKEN_OLD": "long expired",
    "KEY_ONE": "one:key",
    "KEY_TWO": "two:key",
    "CHATFOLD_MEDIA_ALLOWED_NETWORKS": "127.0.0.0/8",
    "CHATFOLD_MASTER_KEYS": KEYS,
}
OPERATOR = {"authorization": "Bearer the operator's long secret"}
CHAT = identity.chat_id(tenant=TENANT, platform="whatsapp", platform_user_id=PERSON)
LIMITS = SendLimits(account_per_second=10_000, chat_per_second=1_000)


@dataclass
class Town:
    """Where everybody is."""

    settings: Settings
    box: Sandbox
    folder: Path
    session: aiohttp.ClientSession
    started: ExitStack
    processes: dict[str, roles.Process] = field(default_factory=dict)
    said: int = 0

    async def start(self, *names: str, **env: str) -> None:
        """Start these roles, and wait until they are ready."""
        new = [self._process(name, env) for name in names]
        self.started.enter_context(roles.running(*new))
        await asyncio.gather(*(asyncio.to_thread(one.wait_ready) for one in new))
        self.processes |= dict(zip(names, new, strict=True))

    def stop(self, name: str) -> None:
        """Stop a role in good order."""
        self.processes.pop(name).kill(15)

    def _process(self, name: str, env: dict[str, str]) -> roles.Process:
        ports = {}
        if name in {"gateway", "api"}:
            port = str(roles.free_port())
            ports = {f"CHATFOLD_{name.upper()}_PORT": port}
        settings = {"CHATFOLD_API_TOKENS": f"ada:{OPERATOR['authorization'].partition(' ')[2]}"}
        given = ENVIRONMENT | settings | ports | env
        made = roles.Process(name, self.settings, self.folder / f"{name}.log", **given)
        if ports:
            made.port = int(port)
        return made

    def tenant(self, **settings: object) -> Tenant:
        """The tenant, whose one account is the sandbox's."""
        given = {"tenant_id": TENANT, "name": "Acme", "accounts": (self.account(),)}
        return Tenant.model_validate(given | settings)

    def account(self, token: str = "env:TOKEN_GOOD", *secrets: str, name: str = "") -> Account:
        return Account(
            provider="whatsapp_cloud",
            account=name or webhooks.PHONE_ID,
            platform=Platform.WHATSAPP,
            credentials={"access_token": token},
            secrets=secrets or ("env:SECRET_ONE",),
            base_url=self.box.whatsapp_url,
            limits=LIMITS,
        )

    async def know(self, *tenants: Tenant) -> None:
        """Write tenants to their topic."""
        records = [record_of(one, clock.now()) for one in tenants]
        await kafka.produce(self.settings, self.topics.tenants, records)

    async def forget(self, tenant_id: str = TENANT) -> None:
        """Remove a tenant from its topic."""
        await kafka.produce(self.settings, self.topics.tenants, [removal_of(tenant_id)])

    @property
    def topics(self) -> Topics:
        return Topics(self.settings.topic_prefix)

    async def post(self, body: dict, secret: str = "SECRET_ONE", path: str = "") -> int:
        """The gateway's answer to a webhook."""
        raw = codec.dumps(body)
        signature = PROVIDERS["whatsapp_cloud"].sign(raw, ENVIRONMENT[secret])
        headers = {"content-type": "application/json", **signature}
        url = f"http://127.0.0.1:{self.processes['gateway'].port}/webhooks/whatsapp_cloud{path}"
        async with self.session.post(url, data=raw, headers=headers) as answer:
            return answer.status

    def words(self, words: str) -> dict:
        """The webhook of something new that the person says."""
        self.said += 1
        wamid = f"wamid.{self.said}"
        return webhooks.body(webhooks.text(words, wamid=wamid, user=PERSON, at=clock.now()))

    def picture(self) -> dict:
        """The webhook of a picture that the person sends; never the same file again."""
        self.said += 1
        name = f"media{self.said}"
        self.box.media.put(name, File(one_pixel(self.said), "image/png"))
        message = webhooks.text("", wamid=f"wamid.{self.said}", user=PERSON, at=clock.now())
        del message["text"]
        image = {"id": name, "mime_type": "image/png"}
        return webhooks.body(message | {"type": "image", "image": image})

    def echo(self, words: str) -> dict:
        """The webhook of something that a human of the business writes to the person."""
        self.said += 1
        message = webhooks.text(words, wamid=f"wamid.{self.said}", user="15550001111")
        whole = webhooks.body()
        (change,) = whole["entry"][0]["changes"]
        change["field"] = "smb_message_echoes"
        change["value"]["message_echoes"] = [message | {"to": PERSON}]
        return whole

    async def says(self, words: str) -> MessageReceived:
        """What is recorded of something that the person says."""
        assert await self.post(self.words(words)) == 200
        return await self.heard(f"wamid.{self.said}")

    async def human_says(self, words: str) -> MessageReceived:
        """What is recorded of something that a human of the business writes."""
        assert await self.post(self.echo(words)) == 200
        return await self.heard(f"wamid.{self.said}")

    async def heard(self, wamid: str) -> MessageReceived:
        """The fact of a message, once it is decided."""

        async def met() -> list[MessageReceived]:
            facts = await self.facts(MessageReceived)
            return [one for one in facts if one.platform_message_id == wamid]

        return (await until(met, f"{wamid} to be decided"))[0]

    async def recorded(self) -> list[Recorded[Fact]]:
        """All facts with their times."""
        return await kafka.facts(self.settings)

    async def facts(self, kind: type[F]) -> list[F]:
        """The facts of a kind, in their order."""
        return [one.data for one in await kafka.facts(self.settings) if isinstance(one.data, kind)]

    async def fact(self, kind: type[F], count: int = 1) -> F:
        """The last fact of a kind, once there are so many."""

        async def met() -> list[F]:
            found = await self.facts(kind)
            return found if len(found) >= count else []

        return (await until(met, f"{count} {kind.__name__}"))[-1]

    async def answers(self, wamid: str) -> list[ReplyGenerated]:
        """The replies to a message."""
        return [one for one in await self.facts(ReplyGenerated) if one.in_reply_to == wamid]

    def taken(self) -> list[str]:
        """The texts that the sandbox took."""
        return [str(one.text) for one in self.box.journal.find() if one.accepted]

    async def ask(self, method: str, path: str, given: object = None) -> tuple[int, Any]:
        """The API's answer to the operator."""
        url = f"http://127.0.0.1:{self.processes['api'].port}{path}"
        headers = OPERATOR | ({"content-type": "application/json"} if given is not None else {})
        body = None if given is None else codec.dumps(given)
        async with self.session.request(method, url, data=body, headers=headers) as answer:
            return answer.status, codec.loads(await answer.read())

    async def figure(self, role: str, name: str) -> float:
        """The sum of a figure that a role tells."""
        url = f"http://127.0.0.1:{self.processes[role].port}/metrics"
        async with self.session.get(url) as answer:
            lines = (await answer.text()).splitlines()
        return sum(float(one.rpartition(" ")[2]) for one in lines if one.startswith(name))

    async def rows(self, query: str) -> list[Any]:
        """What a query of the tables finds."""
        connection = await database.connect(self.settings.database)
        try:
            await connection.execute(f"SET search_path TO {self.settings.database_schema}")
            return list(await connection.fetch(query))
        finally:
            await connection.close()


def one_pixel(number: int) -> bytes:
    """A picture of one pixel of that colour."""
    out = BytesIO()
    Image.new("RGB", (1, 1), (number % 256, number // 256, 7)).save(out, "PNG")
    return out.getvalue()


async def until(met: Callable[[], Awaitable[T]], what: str, seconds: float = 60) -> T:
    """What `met` comes to, once that is true."""
    found: list[T] = []

    async def is_met() -> bool:
        found[:] = [await met()]
        return bool(found[0])

    await agents.eventually(is_met, what, seconds)
    return found[0]


@asynccontextmanager
async def town(
    settings: Settings, folder: Path, tenants: Callable[[Town], Iterable[Tenant]]
) -> AsyncIterator[Town]:
    """Topics, tables, tenants and the sandbox; roles are started by the test."""
    await migrate.migrate(settings.database, settings.database_schema)
    await kafka.prepare(settings)
    timeout = aiohttp.ClientTimeout(total=20)
    async with (
        running(now=clock.now) as box,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        with ExitStack() as started:
            here = Town(settings, box, folder, session, started)
            await here.know(*tenants(here))
            yield here
