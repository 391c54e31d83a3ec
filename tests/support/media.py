"""A media agent's surroundings: orders, what came of them, and where files come from."""

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chatfold import blobs, clock, migrate
from chatfold.sandbox import Sandbox, running
from chatfold.sandbox.media import File
from chatfold.settings import Settings
from schemas import codec, envelope, identity
from schemas.content import JobKind, Media, MessageKind, Platform, StoredMedia
from schemas.envelope import Recorded
from schemas.inputs import JobReported
from schemas.tenants import Account, MediaSettings, Models, Price, Tenant
from schemas.topics import Topics
from schemas.work import Order, ProcessMedia
from tests.support import agents, kafka, odd_host
from tests.support.agents import AT, Agent
from tests.support.odd_host import OddHost

TENANT, ODD = "acme", "odd"
ACCOUNTS = {"whatsapp_cloud": "1555", "telegram": "12", "instagram": "17841"}
TOKENS = {"whatsapp_cloud": "access_token", "telegram": "bot_token", "instagram": "access_token"}
SECRETS = {"TEST_INSTAGRAM_TOKEN": "17841:ig-s3cr3t", "TEST_MODEL_KEY": "sk:m0del-s3cr3t"}
PRICE = Price(tokens_in=1.0, tokens_out=2.0, minute=0.006)


@dataclass
class Scene:
    """Topics, tables, a tenant, the sandbox, and a host that is odd."""

    settings: Settings
    box: Sandbox
    odd: OddHost
    log: Path

    def agent(self, instance: str | None = None, **env: str) -> Agent:
        return Agent("media", self.settings, self.log, instance, **(SECRETS | env))

    @property
    def calls(self) -> list[str]:
        """What models were asked and have answered."""
        return [
            f"{one.method} {one.text or one.number}"
            for one in self.box.journal.find(provider="openai")
            if one.accepted
        ]

    @property
    def files(self) -> blobs.Blobs:
        return blobs.opened(self.settings.media_url, self.settings.home / "media")

    @property
    def kept(self) -> list[Path]:
        """Every file in the local storage."""
        folder = self.settings.home / "media"
        return sorted(one for one in folder.rglob("*") if one.is_file())

    def put(self, name: str, data: bytes, mime: str = "application/octet-stream") -> str:
        """Have the sandbox's providers hold a file."""
        self.box.media.put(name, File(data, mime))
        return name

    async def told(
        self, orders: Sequence[Recorded[Order]], seconds: float = 90.0
    ) -> list[JobReported]:
        """Order, and wait for the report of each."""
        await produce(self.settings, orders)
        reports = await reported(self.settings, orders, seconds)
        return [reports[one.data.job_id, one.data.attempt] for one in orders]


def tenant(box: Sandbox, odd: OddHost, **media: object) -> Tenant:
    urls = {
        "whatsapp_cloud": box.whatsapp_url,
        "telegram": box.telegram_url,
        "instagram": box.instagram_url,
    }
    accounts = [_account(name, ACCOUNTS[name], url) for name, url in urls.items()]
    accounts.append(_account("whatsapp_cloud", ODD, odd.url))
    return Tenant(
        tenant_id=TENANT,
        name="Acme",
        accounts=tuple(accounts),
        models=Models(
            provider="other",
            base_url=box.models_url,
            api_key="env:TEST_MODEL_KEY",
            timeout_seconds=20,
            prices={"gpt-4o-mini": PRICE, "whisper-1": PRICE},
        ),
        media=MediaSettings(**media),
    )


def _account(provider: str, account: str, url: str) -> Account:
    name = "TELEGRAM" if provider == "telegram" else "INSTAGRAM" if "insta" in provider else None
    return Account(
        provider=provider,
        account=account,
        platform=Platform.WHATSAPP if name is None else Platform(provider),
        credentials={TOKENS[provider]: f"env:TEST_{name or 'WHATSAPP'}_TOKEN"},
        base_url=url,
    )


def order(
    chat: int,
    number: int,
    *,
    kind: JobKind = JobKind.STORE,
    reference: str = "500",
    provider: str = "whatsapp_cloud",
    account: str | None = None,
    attempt: int = 1,
    stored: StoredMedia | None = None,
    tenant: str = TENANT,
    **told: object,
) -> Recorded[Order]:
    """The `number`-th job of a chat."""
    cause = identity.derive("cause", str(chat), str(number), kind)
    return Recorded(
        id=f"{cause}.order",
        time=AT,
        source="/chatfold/decider",
        tenant=tenant,
        chat_id=identity.chat_id(tenant=tenant, platform="test", platform_user_id=str(chat)),
        causation_id=cause,
        correlation_id=cause,
        data=ProcessMedia(
            job_id=identity.job_id(cause, 0),
            attempt=attempt,
            kind=kind,
            message_id=identity.derive("message", str(chat), str(number)),
            message_kind=MessageKind.DOCUMENT,
            provider=provider,
            account=account or ACCOUNTS[provider],
            media=Media(reference=reference, **told),
            stored=stored,
        ),
    )


async def produce(settings: Settings, orders: Iterable[Recorded[Order]]) -> None:
    topic = Topics(settings.topic_prefix).work_media
    await kafka.produce(settings, topic, [envelope.encode(one) for one in orders])


async def reported(
    settings: Settings, orders: Sequence[Recorded[Order]], seconds: float = 90.0
) -> dict[tuple[str, int], JobReported]:
    """The first report of each job's attempt, as the decider takes it."""
    missing = {(one.data.job_id, one.data.attempt) for one in orders}
    found: dict[tuple[str, int], JobReported] = {}
    deadline = time.monotonic() + seconds
    async with agents.following(settings, Topics(settings.topic_prefix).inbox) as inbox:
        while missing - found.keys():
            assert time.monotonic() < deadline, f"no report of {missing - found.keys()}"
            polled = await inbox.getmany(timeout_ms=200)
            for record in (one for batch in polled.values() for one in batch):
                report = envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)
                found.setdefault((report.data.job_id, report.data.attempt), report.data)
    return found


@asynccontextmanager
async def staged(settings: Settings, log: Path, **media: object) -> AsyncIterator[Scene]:
    await migrate.migrate(settings.database, settings.database_schema)
    async with running(now=clock.now) as box, odd_host.running() as odd:
        await kafka.prepare(settings, tenant(box, odd, **media))
        yield Scene(settings, box, odd, log)
