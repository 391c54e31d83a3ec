"""What must hold of every JSON value that comes as a webhook."""

from datetime import UTC, datetime

from providers.protocol import Item, Provider
from schemas import codec
from schemas.envelope import Recorded, decode, encode
from schemas.inputs import WebhookReceived


def survive(provider: Provider, body: object) -> list[Item]:
    """The items of a body: there are some, each is read, and read the same from the log."""
    items = list(provider.split(body))
    assert items
    for item in items:
        assert item.message_id
        said = provider.parse(item.kind, item.fragment)
        assert said == provider.parse(item.kind, _from_the_log(provider, item).fragment)
    return items


def survive_bytes(provider: Provider, raw: bytes) -> list[Item]:
    """The items of a body as it came; none if it is not JSON; the short way tells the same."""
    try:
        body = codec.loads(raw)
    except ValueError:
        return []
    items = survive(provider, body)
    assert [_named(one) for one in provider.read(raw)] == [_named(one) for one in items]
    return items


def _named(item: Item) -> tuple[str, str | None, str, str]:
    return item.kind, item.account, item.platform_user_id, item.message_id


def _from_the_log(provider: Provider, item: Item) -> WebhookReceived:
    received = WebhookReceived(
        provider=provider.name,
        account=item.account or "",
        platform=provider.platform,
        kind=item.kind,
        platform_user_id=item.platform_user_id,
        message_id=item.message_id,
        fragment=item.fragment,
    )
    record = encode(_recorded(received))
    back = decode(codec.INPUTS, value=record.value, headers=record.headers).data
    assert isinstance(back, WebhookReceived)
    return back


def _recorded(data: WebhookReceived) -> Recorded[WebhookReceived]:
    return Recorded(
        id="i",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        source="/chatfold/gateway",
        tenant="t",
        chat_id="c",
        causation_id="i",
        correlation_id="i",
        data=data,
    )
