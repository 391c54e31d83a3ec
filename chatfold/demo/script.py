"""What the demo plays: samples of every kind by several people, at every provider."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Final

from providers.protocol import Item, Message
from providers.registry import PROVIDERS
from schemas import codec
from schemas.content import Platform
from schemas.tenants import (
    Account,
    Assistant,
    Fallback,
    MediaSettings,
    Models,
    Price,
    SendLimits,
    Tenant,
)

TENANT: Final = "demo"
ASSISTED: Final = "demo-assistant"
"""The tenant for whom a model answers."""
ASSISTED_ACCOUNT: Final = "200000000000002"
QUIET_SECONDS: Final = 2.0
"""Messages that come within this are one burst, also on a machine that is busy."""
PRICES: Final = MappingProxyType(
    {
        "gpt-4o-mini": Price(tokens_in=0.15, tokens_out=0.6, minute=0.0),
        "whisper-1": Price(tokens_in=0.0, tokens_out=0.0, minute=0.006),
    }
)
"""As OpenAI asked in 2025."""
COMMANDS: Final = ("Hello", "/HISTORY", "/STATS", "/WAPPA", "In the special mode", "/EXIT")
FAREWELL: Final = "/CLOSE"
AFTERWARDS: Final = "Are you still there?"
PEOPLE: Final = 2
"""How many at each provider."""
SECRETS: Final = MappingProxyType(
    {
        "CHATFOLD_DEMO_SECRET": "demo-secret",
        "CHATFOLD_DEMO_TOKEN": "demo-token",
        "CHATFOLD_DEMO_BOT": "7000:demo-bot",
        "CHATFOLD_DEMO_CHANNEL": "CHATFOLD-DEMO1:demo-token",
        "CHATFOLD_DEMO_PROFILE": "17841400000000201:demo-token",
        "CHATFOLD_DEMO_SID": "AC-demo",
        "CHATFOLD_DEMO_KEY": "demo:demo-key",
    }
)
ACCOUNTS: Final = MappingProxyType(
    {
        "whatsapp_cloud": "200000000000001",
        "telegram": "7000",
        "instagram": "17841400000000201",
        "whapi": "CHATFOLD-DEMO1",
        "evolution": "demo",
        "greenapi": "7103000001",
    }
)
SMS: Final = "twilio_sms"
SMS_ACCOUNT: Final = "+15005550006"
RETRY_MINUTES: Final = (0.02, 0.05, 0.1)
"""So short that a retry is seen; the first after a second or so."""

_CREDENTIALS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "whatsapp_cloud": {"access_token": "env:CHATFOLD_DEMO_TOKEN"},
        "telegram": {"bot_token": "env:CHATFOLD_DEMO_BOT"},
        "instagram": {"access_token": "env:CHATFOLD_DEMO_PROFILE"},
        "whapi": {"api_token": "env:CHATFOLD_DEMO_CHANNEL"},
        "evolution": {"api_key": "env:CHATFOLD_DEMO_TOKEN"},
        "greenapi": {"api_token": "env:CHATFOLD_DEMO_TOKEN"},
        SMS: {"account_sid": "env:CHATFOLD_DEMO_SID", "auth_token": "env:CHATFOLD_DEMO_TOKEN"},
    }
)
_PHONES: Final = ("155501002", "15550{person:04d}")
_PERSONAL: Final = MappingProxyType(
    {
        "whatsapp_cloud": (
            _PHONES,
            (".400000000000000002", ".40{person:05d}000000000002"),
            (".400000000000000003", ".40{person:05d}000000000003"),
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
        "instagram": (
            ("900000000000201", "9000{person:05d}000201"),
            ("aWdfZAG1-SAMPLE", "aWdfZAG1-{person:05d}"),
        ),
        "whapi": (
            _PHONES,
            ("SAMPLE.", "DEMO{person:05d}."),
            ("98765432109876@lid", "987{person:05d}09876@lid"),
            ("120363040468224422@g.us", "1203630{person:05d}224422@g.us"),
        ),
        "evolution": (
            _PHONES,
            ("3EB0SAMPLE", "3EB0{person:05d}"),
            ("CALLSAMPLE", "CALL{person:05d}"),
            ("40000000000201@lid", "4000{person:05d}00201@lid"),
            ("120363000000000301@g.us", "1203630{person:05d}000301@g.us"),
        ),
        "greenapi": (
            _PHONES,
            ("SAMPLE-", "DEMO{person:05d}-"),
            ("120363000000000201@g.us", "1203630{person:05d}000201@g.us"),
        ),
    }
)
"""What of a sample becomes a person's own."""
_SAID: Final = MappingProxyType(
    {
        "whatsapp_cloud": ("wamid.SAMPLE-text", "wamid.SAMPLE-said-{number}"),
        "telegram": ('"message_id": 1001', '"message_id": 9{number:03d}'),
        "instagram": ("aWdfZAG1-SAMPLE-text", "aWdfZAG1-SAMPLE-said-{number}"),
        "whapi": ("SAMPLE.text-", "SAMPLE.said{number}-"),
        "evolution": ("3EB0SAMPLE0001", "3EB0SAMPLE9{number:03d}"),
        "greenapi": ("SAMPLE-text", "SAMPLE-said-{number}"),
    }
)
"""The id in `text.json`, and what it becomes when a person says something else."""
_LAST: Final = ("text_hidden", "system", "user_id", "echo")
"""Samples that change how a person is reached, or who speaks for the business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A request to make and the status it must get; `person` is whose turn it is.

    Each `act` begins when all that was said before is answered.
    """

    person: int
    provider: str
    body: bytes
    status: int = 200
    signed: bool = True
    act: int = 0


def webhooks() -> list[Webhook]:
    """The whole play, in each person's order."""
    return [webhook for person, provider in _cast() for webhook in _turns(person, provider)]


def afterwards() -> list[Webhook]:
    """What each says when the play is over; by then, a human speaks with most of them."""
    return [said(person, provider, AFTERWARDS, 99) for person, provider in _cast()]


def said(person: int, provider: str, words: str, number: int = 0) -> Webhook:
    """A text message in the person's words, the `number`-th of theirs."""
    whole = _text(_folder(provider).joinpath("text.json"))
    (told,) = items(Webhook(person=person, provider=provider, body=whole.encode()))
    message = PROVIDERS[provider].parse(told.kind, told.fragment)
    assert isinstance(message, Message)  # the sample holds one
    own_id, other_id = _SAID[provider]
    own_words = _quoted(message.content.text)
    assert own_id in whole
    assert own_words in whole
    other = whole.replace(own_id, other_id.format(number=number))
    return _whole(person, provider, other.replace(own_words, _quoted(words)))


def sample(person: int, provider: str, name: str) -> Webhook:
    """A sample by its name, as if it were the person's own."""
    return _whole(person, provider, _text(_folder(provider).joinpath(f"{name}.json")))


def items(webhook: Webhook) -> list[Item]:
    """What a webhook tells."""
    return list(PROVIDERS[webhook.provider].split(codec.loads(webhook.body)))


def tenant(urls: Mapping[str, str]) -> Tenant:
    """The demo's tenant, with the sandbox for every provider; SMS go where all else has failed."""
    accounts = tuple(_account(name, account, urls) for name, account in ACCOUNTS.items())
    sms = Account(
        provider=SMS,
        account=SMS_ACCOUNT,
        platform=Platform.SMS,
        credentials=dict(_CREDENTIALS[SMS]),
        base_url=urls[SMS],
    )
    return Tenant(
        tenant_id=TENANT,
        name="Demo",
        accounts=(*accounts, sms),
        retry_minutes=RETRY_MINUTES,
        fallbacks=(Fallback(provider=SMS, account=SMS_ACCOUNT),),
    )


def assisted_tenant(urls: Mapping[str, str]) -> Tenant:
    """Another tenant, for whom the sandbox's model answers and looks into files."""
    return Tenant(
        tenant_id=ASSISTED,
        name="Demo with a model",
        accounts=(_account("whatsapp_cloud", ASSISTED_ACCOUNT, urls),),
        responder="llm",
        retry_minutes=RETRY_MINUTES,
        models=Models(
            base_url=urls["openai"], api_key="env:CHATFOLD_DEMO_KEY", prices=dict(PRICES)
        ),
        assistant=Assistant(
            system_prompt="You answer for a small restaurant, briefly.",
            quiet_seconds=QUIET_SECONDS,
        ),
        media=MediaSettings(describe_images=True),
    )


def _account(name: str, account: str, urls: Mapping[str, str]) -> Account:
    return Account(
        provider=name,
        account=account,
        platform=PROVIDERS[name].platform,
        credentials=dict(_CREDENTIALS[name]),
        secrets=("env:CHATFOLD_DEMO_SECRET",),
        base_url=urls[name],
        limits=SendLimits(account_per_second=10_000, chat_per_second=1_000),
    )


def _cast() -> Iterator[tuple[int, str]]:
    return enumerate((provider for _ in range(PEOPLE) for provider in ACCOUNTS), 1)


def _turns(person: int, provider: str) -> Iterator[Webhook]:
    for number, words in enumerate(COMMANDS):
        yield said(person, provider, words, number)
    samples = _samples(provider)
    for name, told in (one for one in samples if not _rank(one[0])):
        webhook = _whole(person, provider, told)
        yield webhook
        if "voice" in name or "location" in name:
            yield webhook  # the provider redelivers
    yield said(person, provider, FAREWELL, len(COMMANDS))
    yield from _refused(person, provider)
    for name, told in samples:
        if act := _rank(name):
            yield replace(_whole(person, provider, told), act=act)


def _refused(person: int, provider: str) -> Iterator[Webhook]:
    body = said(person, provider, "forged", 90).body
    yield Webhook(person=person, provider=provider, body=body, status=401, signed=False)
    yield Webhook(person=person, provider=provider, body=b'{"broken":', status=400)


def _whole(person: int, provider: str, told: str) -> Webhook:
    for old, new in _PERSONAL[provider]:
        told = told.replace(old, new.format(person=person))
    return Webhook(person=person, provider=provider, body=told.encode())


def _samples(provider: str) -> list[tuple[str, str]]:
    """Names and texts of the samples, first those after which all is as it was."""
    files = sorted(_folder(provider).iterdir(), key=lambda one: (_rank(one.name), one.name))
    return [(file.name, _text(file)) for file in files]


def _rank(name: str) -> int:
    return next((place for place, one in enumerate(_LAST, 1) if name.startswith(one)), 0)


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")


def _quoted(words: str | None) -> str:
    return codec.dumps(words).decode()


def _folder(provider: str) -> Traversable:
    return resources.files("chatfold.demo").joinpath("samples", provider)
