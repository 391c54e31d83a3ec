"""A gateway without servers: tenants as given, and a log that remembers."""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

from chatfold.eventlog import AppendFailed
from chatfold.gateway import Limits
from chatfold.gateway.addresses import Addresses
from chatfold.gateway.outcomes import Outcome
from chatfold.gateway.webhooks import Webhooks
from chatfold.tenancy import Secrets, TenantDirectory
from providers.registry import PROVIDERS
from schemas import codec
from schemas.content import Platform
from schemas.envelope import Record
from schemas.tenants import Account, Tenant

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LIMITS = Limits(body_bytes=100_000, body_seconds=0.2, append_seconds=1.0, pending_bytes=500_000)
SECRETS = {
    "ACME": "acme's secret",
    "ACME_OLD": "acme's old secret",
    "OTHER": "other's secret",
    "VERIFY": "acme's word",
    "BOT": "acme's bots",
}


WHATSAPP, TELEGRAM = "/webhooks/whatsapp_cloud", "/webhooks/telegram"


def whatsapp(account: str, *secrets: str, verify: str | None = None) -> Account:
    return Account(
        provider="whatsapp_cloud",
        account=account,
        platform=Platform.WHATSAPP,
        secrets=tuple(f"env:{name}" for name in secrets),
        verify_token=f"env:{verify}" if verify else None,
    )


def telegram(account: str, *secrets: str) -> Account:
    return Account(
        provider="telegram",
        account=account,
        platform=Platform.TELEGRAM,
        secrets=tuple(f"env:{name}" for name in secrets),
    )


def tenant(tenant_id: str, *accounts: Account) -> Tenant:
    return Tenant(tenant_id=tenant_id, name=tenant_id, accounts=accounts)


ACME = tenant(
    "acme",
    whatsapp("100", "ACME", "ACME_OLD", verify="VERIFY"),
    whatsapp("101", "ACME"),
    whatsapp("102"),
    telegram("200", "BOT"),
)
OTHER = tenant("other", whatsapp("300", "OTHER"), telegram("400", "OTHER"))


def wa(*accounts: str | None, user: str = "4915112345678") -> bytes:
    """A WhatsApp body with one message for each account."""
    entries = []
    for number, account in enumerate(accounts):
        message = {"from": user, "id": f"wamid.{number}", "type": "text", "text": {"body": "hi"}}
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"phone_number_id": account},
            "messages": [message],
        }
        entries.append({"id": "900", "changes": [{"field": "messages", "value": value}]})
    return codec.dumps({"object": "whatsapp_business_account", "entry": entries})


def update(number: int = 1) -> bytes:
    """A Telegram update; it names no account."""
    message = {"message_id": number, "chat": {"id": 77, "type": "private"}, "text": "hi", "date": 1}
    return codec.dumps({"update_id": number, "message": message})


def signed(body: bytes, name: str) -> dict[str, str]:
    return {
        "x-hub-signature-256": "sha256=" + hmac.digest(SECRETS[name].encode(), body, "sha256").hex()
    }


def token(name: str) -> dict[str, str]:
    return {"x-telegram-bot-api-secret-token": SECRETS[name]}


class Remembering:
    """Stands in for the event log: keeps what it is given, or fails as it is told."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.failure: AppendFailed | None = None
        self.refusal: str | None = None

    async def append(self, topic: str, records: Sequence[Record], timeout: float) -> None:
        if self.failure:
            raise self.failure
        if self.refusal:
            raise AppendFailed(self.refusal)
        self.records.extend(records)

    def offer(self, topic, records, timeout, done) -> None:
        if self.failure:
            raise self.failure
        if not self.refusal:
            self.records.extend(records)
        done(self.refusal)


class Edge:
    """The webhook route over `Remembering`."""

    def __init__(self, *tenants: Tenant, limits: Limits = LIMITS, providers=PROVIDERS) -> None:
        self.directory = TenantDirectory("nowhere", "tenants")
        self.environment = dict(SECRETS)
        self.secrets = Secrets(self.environment)
        self.addresses = Addresses(self.directory, self.secrets, providers)
        self.log = Remembering()
        self.webhooks = Webhooks(
            log=self.log, topic="inbox", addresses=self.addresses, limits=limits, now=lambda: NOW
        )
        self.know(*(tenants or (ACME, OTHER)))

    def know(self, *tenants: Tenant) -> None:
        """As when the tenants topic changes."""
        self.directory._tenants = {one.tenant_id: one for one in tenants}
        self.directory._publish()

    async def post(self, path: str, body: bytes, headers=(), method: str = "POST", pieces: int = 1):
        """The answer by way of ASGI: status, headers, body."""
        size = -(-len(body) // pieces) or 1
        chunks = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
        messages = [
            {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
            for number, chunk in enumerate(chunks, start=1)
        ]
        sent = []

        async def receive():
            return messages.pop(0)

        async def send(message):
            sent.append(message)

        await self.webhooks(scope(path, headers, method), receive, send)
        start, content = sent
        return start["status"], dict(start["headers"]), content["body"]

    def direct(self, path: str, body: bytes, headers=()) -> Outcome:
        """The outcome by the short way."""
        outcomes = []
        self.webhooks.direct(
            scope(path, headers, "POST"), body, self.webhooks.time(), outcomes.append
        )
        (outcome,) = outcomes
        return outcome


def scope(path: str, headers, method: str) -> dict[str, object]:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in dict(headers).items()]
    path, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": raw,
    }
