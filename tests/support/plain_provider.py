"""A provider whose items are what they say: for stories in which no provider's format matters."""

from collections.abc import Iterator
from types import MappingProxyType

import pytest

from providers.pieces import TextLimit
from providers.protocol import Incoming, Message, StatusReport
from providers.registry import PROVIDERS
from schemas import codec
from schemas.content import Content, Json, MessageKind, Person, Platform, Status
from schemas.inputs import ItemKind, WebhookReceived
from streams.decide import chat, retries

NAME = "plain"


class PlainProvider:
    """Parses what `item` wrote; `platform` is where its messages go."""

    required_credentials = ()
    takes_templates = False
    text_limit = TextLimit(4096)

    def __init__(self, name: str = NAME, platform: Platform = Platform.WHATSAPP) -> None:
        self.name = name
        self.platform = platform

    def parse(self, kind: ItemKind, fragment: Json) -> Incoming:
        types = {ItemKind.STATUS: StatusReport}
        return codec.decode(types.get(kind, Message), codec.dumps(fragment))


@pytest.fixture(scope="module")
def plain_provider() -> Iterator[None]:
    """Registers a provider `plain`, and one for SMS, `texts`."""
    known = MappingProxyType(
        {**PROVIDERS, NAME: PlainProvider(), "texts": PlainProvider("texts", Platform.SMS)}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat, "PROVIDERS", known)
        patch.setattr(retries, "CHANNELS", known)
        yield


def item(told: Message | StatusReport, *, account: str, user: str) -> WebhookReceived:
    kind = ItemKind.STATUS if isinstance(told, StatusReport) else ItemKind.ECHO
    return WebhookReceived(
        provider=NAME,
        account=account,
        platform=Platform.WHATSAPP,
        kind=kind,
        platform_user_id=user,
        message_id=told.platform_message_id,
        fragment=codec.loads(codec.dumps(told)),
    )


def echo(words: str, platform_message_id: str, *, user: str, **more: object) -> Message:
    """What the business wrote; by a human, unless `is_own` says by whom."""
    return Message(
        platform_message_id=platform_message_id,
        platform_timestamp=None,
        person=Person(platform_user_id=user),
        content=Content(kind=MessageKind.TEXT, text=words),
        **({"from_human": True} | more),
    )


def status(word: Status, platform_message_id: str, reference: str | None = None) -> StatusReport:
    code = "131047" if word is Status.FAILED else None
    return StatusReport(
        platform_message_id=platform_message_id,
        status=word,
        reported_at=None,
        reference=reference,
        error_code=code,
    )
