"""What the demo plays: samples of every kind by several people, and what must come of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

from providers.protocol import Item, Message, Outgoing
from providers.registry import PROVIDERS
from schemas import codec
from schemas.content import Content, MessageKind
from schemas.tenants import Account, SendLimits, Tenant
from streams.decide.messages import is_to_be_answered

TENANT: Final = "demo"
COMMANDS: Final = ("Hello", "/HISTORY", "/STATS", "/WAPPA", "In the special mode", "/EXIT")
PEOPLE: Final = 4
SECRETS: Final = MappingProxyType(
    {
        "CHATFOLD_DEMO_SECRET": "demo-secret",
        "CHATFOLD_DEMO_TOKEN": "demo-token",
        "CHATFOLD_DEMO_BOT": "7000:demo-bot",
    }
)
ACCOUNTS: Final = MappingProxyType({"whatsapp_cloud": "200000000000001", "telegram": "7000"})
_PERSONAL: Final = MappingProxyType(
    {
        "whatsapp_cloud": (
            ("15550100201", "155501{person:05d}"),
            ("US.40000000000000000201", "US.4000{person:05d}"),
            ("wamid.SAMPLE", "wamid.{person:05d}"),
            ("wacid.SAMPLE", "wacid.{person:05d}"),
            ("Z3JvdXA6MTIzNDU2Nzg5MA", "group-{person:05d}"),
        ),
        "telegram": (
            ("700000201", "7000{person:05d}"),
            ('"update_id": 91', '"update_id": {person}'),
            ("3000000000000000001", "30000000000000{person:05d}"),
            ("SAMPLE-connection", "connection-{person:05d}"),
            ("-1007000000301", "-10070000{person:05d}"),
            ("-1007000000501", "-10075000{person:05d}"),
            ("-70000301", "-700{person:05d}"),
        ),
    }
)
Key = tuple[str, str, str, str]
"""Provider, kind, id and chat of an item."""
Reply = tuple[str, str, str]
"""Provider, to whom, and the id of the message that is answered."""
_NO_CREDENTIALS: Final = MappingProxyType({"access_token": "-", "bot_token": "-"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A request to make and the status it must get; `person` is whose turn it is."""

    person: int
    provider: str
    body: bytes
    status: int = 200
    signed: bool = True


@dataclass(slots=True)
class Expected:
    """What must come of all webhooks together."""

    messages: set[Key] = field(default_factory=set)
    replies: set[Reply] = field(default_factory=set)
    duplicates: int = 0


def webhooks() -> list[Webhook]:
    """The whole play, in each person's order."""
    return [
        webhook
        for person in range(1, 2 * PEOPLE + 1)
        for webhook in _turns(person, "telegram" if person % 2 else "whatsapp_cloud")
    ]


def expected(play: list[Webhook]) -> Expected:
    """What a person who reads the webhooks would expect to come of them."""
    told = Expected()
    seen: set[Key] = set()
    for webhook in play:
        if webhook.status == 200:
            for item in _items(webhook):
                _expect(told, seen, webhook.provider, item)
    return told


def tenant(urls: Mapping[str, str]) -> Tenant:
    """The demo's tenant, with the sandbox for a provider."""
    credentials = {
        "whatsapp_cloud": {"access_token": "env:CHATFOLD_DEMO_TOKEN"},
        "telegram": {"bot_token": "env:CHATFOLD_DEMO_BOT"},
    }
    accounts = tuple(
        Account(
            provider=name,
            account=account,
            platform=PROVIDERS[name].platform,
            credentials=credentials[name],
            secrets=("env:CHATFOLD_DEMO_SECRET",),
            base_url=urls[name],
            limits=SendLimits(account_per_second=10_000, chat_per_second=1_000),
        )
        for name, account in ACCOUNTS.items()
    )
    return Tenant(tenant_id=TENANT, name="Demo", accounts=accounts)


def _turns(person: int, provider: str) -> Iterator[Webhook]:
    for number, words in enumerate(COMMANDS):
        yield _whole(person, provider, _saying(provider, words, number))
    for sample in _samples(provider):
        webhook = _whole(person, provider, sample)
        yield webhook
        if "voice" in sample or "location" in sample:
            yield webhook  # the provider redelivers
    yield _whole(person, provider, _saying(provider, "/CLOSE", len(COMMANDS)))
    yield from _refused(person, provider)


def _refused(person: int, provider: str) -> Iterator[Webhook]:
    body = _whole(person, provider, _saying(provider, "forged", 90)).body
    yield Webhook(person=person, provider=provider, body=body, status=401, signed=False)
    yield Webhook(person=person, provider=provider, body=b'{"broken":', status=400)


def _whole(person: int, provider: str, sample: str) -> Webhook:
    for old, new in _PERSONAL[provider]:
        sample = sample.replace(old, new.format(person=person))
    return Webhook(person=person, provider=provider, body=sample.encode())


def _saying(provider: str, words: str, number: int) -> str:
    said = _folder(provider).joinpath("text.json").read_text(encoding="utf-8")
    whole = codec.loads(said.encode())
    message = _first_message(whole)
    if "text" in message and isinstance(message["text"], dict):
        message["text"] = {"body": words}
        message["id"] = f"wamid.SAMPLE-said-{number}"
    else:
        message["text"] = words
        message.pop("entities", None)
        message["message_id"] = 9000 + number
    return codec.dumps(whole).decode().replace('"update_id":', '"update_id": ')


def _first_message(whole: object) -> dict[str, object]:
    """The innermost object that holds the text of a sample."""
    match whole:
        case {"message": dict() as message}:
            return message
        case {"entry": [{"changes": [{"value": {"messages": [dict() as message, *_]}}, *_]}, *_]}:
            return message
        case _:
            raise ValueError("the sample text.json holds no message")


def _samples(provider: str) -> Iterator[str]:
    for file in sorted(_folder(provider).iterdir(), key=lambda one: one.name):
        yield file.read_text(encoding="utf-8")


def _folder(provider: str) -> Traversable:
    return resources.files("chatfold.demo").joinpath("samples", provider)


def _items(webhook: Webhook) -> list[Item]:
    return list(PROVIDERS[webhook.provider].split(codec.loads(webhook.body)))


def _expect(told: Expected, seen: set[Key], provider: str, item: Item) -> None:
    key = (provider, item.kind, item.message_id, item.platform_user_id)
    if key in seen:
        told.duplicates += 1
        return
    seen.add(key)
    incoming = PROVIDERS[provider].parse(item.kind, item.fragment)
    if isinstance(incoming, Message):
        told.messages.add(key)
        if is_to_be_answered(incoming):
            told.replies.add(_reply_to(provider, item, incoming))


def _reply_to(provider: str, item: Item, message: Message) -> Reply:
    """What the sandbox will see of a reply, found by asking the provider for the request."""
    outgoing = Outgoing(
        account=item.account or "",
        to=item.platform_user_id,
        content=Content(kind=MessageKind.TEXT, text="…"),
        reply_to=message.platform_message_id,
        reference="",
    )
    request = next(PROVIDERS[provider].send(outgoing, _NO_CREDENTIALS, None))
    return reply_in(provider, codec.loads(request.body))


def reply_in(provider: str, body: object) -> Reply:
    """Which reply a request's body is: to whom, and what it answers."""
    assert isinstance(body, dict)  # requests to send are objects at every provider
    to = body.get("to") or body.get("recipient") or body.get("chat_id")
    quoted = body.get("context") or body.get("reply_parameters") or {}
    via = body.get("business_connection_id", "")
    return provider, f"{via}{to}", str(quoted.get("message_id"))
