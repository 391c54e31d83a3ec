"""From an authentic webhook to the records that keep it; without IO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chatfold.gateway.addresses import Address, Owner
from chatfold.gateway.outcomes import REFUSALS, Outcome, Refusal
from providers.protocol import Item, Webhook
from schemas import codec, envelope, identity
from schemas.inputs import WebhookReceived, WebhookUnrouted

_SOURCE: Final = "/chatfold/gateway"
_JSON: Final = "application/json"
_NOT_AUTHENTIC: Final = REFUSALS[Outcome.UNAUTHENTICATED]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The records of a webhook's items, and what is counted when they are in the log."""

    records: Sequence[envelope.Record]
    kinds: Sequence[str]
    unrouted: int


def accept(
    address: Address, webhook: Webhook, received: datetime, account: str = ""
) -> Accepted | Refusal:
    """The records of `webhook`, or why it is refused; `account` is what the path names.

    Who has not proved to be the provider learns only that. One item of an account that
    the proof does not cover, and nothing of the webhook is taken.
    """
    secret = _proof(address, webhook)
    if secret is None:
        return _NOT_AUTHENTIC
    if not _is_json(webhook.headers):
        return REFUSALS[Outcome.WRONG_TYPE]
    try:
        body = codec.loads(webhook.body)
    except ValueError:
        return REFUSALS[Outcome.NOT_JSON]
    items = address.provider.split(body)
    owners = [_owner(address, item, secret, account) for item in items]
    if not all(owner is None or secret in owner.secrets for owner in owners):
        return _NOT_AUTHENTIC
    return Accepted(
        [_record(address, *one, received) for one in zip(items, owners, strict=True)],
        [item.kind for item in items],
        owners.count(None),
    )


def _proof(address: Address, webhook: Webhook) -> str | None:
    verify = address.provider.verify
    for secret in address.secrets:
        if verify(webhook, secret):
            return secret
    return None


def _is_json(headers: Mapping[str, str]) -> bool:
    given = headers.get("content-type")
    return not given or given.partition(";")[0].strip().lower() == _JSON


def _owner(address: Address, item: Item, secret: str, named: str) -> Owner | None:
    """Whose item it is.

    Where it names no account it is whose secret came; where several have that secret, the
    one that the path names.
    """
    if item.account is not None:
        return address.owners.get(item.account)
    vouching = address.vouched_by(secret)
    if len(vouching) > 1:
        vouching = [owner for owner in vouching if owner.account == named]
    return vouching[0] if vouching else None


def _record(
    address: Address, item: Item, owner: Owner | None, received: datetime
) -> envelope.Record:
    provider = address.provider
    tenant = owner.tenant if owner else ""
    account = owner.account if owner else item.account or ""
    kind = WebhookReceived if owner else WebhookUnrouted
    person = item.platform_user_id if owner else ""
    input_id = identity.input_id(
        tenant=tenant,
        provider=provider.name,
        account=account,
        kind=item.kind,
        message_id=item.message_id,
    )
    chat_id = identity.chat_id(
        tenant=tenant,
        platform=provider.platform,
        platform_user_id=person or f"account:{account}",
    )
    data = kind(
        provider=provider.name,
        account=account,
        platform=provider.platform,
        kind=item.kind,
        platform_user_id=item.platform_user_id,
        message_id=item.message_id,
        fragment=item.fragment,
    )
    return envelope.encode(
        envelope.Recorded(
            id=input_id,
            time=received,
            source=_SOURCE,
            tenant=tenant,
            chat_id=chat_id,
            causation_id=input_id,
            correlation_id=input_id,
            data=data,
        )
    )
