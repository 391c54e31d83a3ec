"""Items for an account that nobody has configured wait here, and are routed once somebody has."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from schemas import codec, identity
from schemas.envelope import Recorded
from schemas.inputs import Input, WebhookReceived, WebhookUnrouted
from schemas.value import Value

PREFIX: Final = b"unrouted:"

Route = Callable[[str, str], str | None]


class Parked(Value, frozen=True, kw_only=True):
    """An unrouted item and when it arrived."""

    time: datetime
    item: WebhookUnrouted


def park(recorded: Recorded[Input], item: WebhookUnrouted) -> tuple[bytes, bytes]:
    """The key and value under which the item waits."""
    return PREFIX + recorded.id.encode(), codec.dumps(Parked(time=recorded.time, item=item))


def routed(
    waiting: Iterable[tuple[bytes, bytes]], route: Route
) -> Iterable[tuple[bytes, Recorded[Input]]]:
    """The waiting items whose account now has a tenant, by the key they waited under."""
    for key, value in waiting:
        parked = codec.decode(Parked, value)
        tenant = route(parked.item.provider, parked.item.account)
        if tenant is not None:
            yield key, _routed(parked, tenant)


def _routed(parked: Parked, tenant: str) -> Recorded[Input]:
    item = parked.item
    input_id = identity.input_id(
        tenant=tenant,
        provider=item.provider,
        account=item.account,
        kind=item.kind,
        message_id=item.message_id,
    )
    return Recorded(
        id=input_id,
        time=parked.time,
        source="/chatfold/decider",
        tenant=tenant,
        chat_id=identity.chat_of(
            tenant=tenant,
            platform=item.platform,
            account=item.account,
            platform_user_id=item.platform_user_id,
        ),
        causation_id=input_id,
        correlation_id=input_id,
        data=WebhookReceived(
            provider=item.provider,
            account=item.account,
            platform=item.platform,
            kind=item.kind,
            platform_user_id=item.platform_user_id,
            message_id=item.message_id,
            fragment=item.fragment,
        ),
    )
