"""From an authentic webhook to the records that keep it; without IO."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chatfold.gateway.addresses import Address, Owner
from chatfold.gateway.outcomes import REJECTIONS, Outcome, Rejection
from chatfold.gateway.scribe import Header, Scribe
from providers.protocol import Item, Webhook
from schemas.envelope import Record

_JSON: Final = "application/json"
_NOT_AUTHENTIC: Final = REJECTIONS[Outcome.UNAUTHENTICATED]


@dataclass(slots=True)
class Accepted:
    """The records of a webhook's items, and what is counted when they are in the log."""

    records: list[Record]
    kinds: list[str]
    unrouted: int = 0


def accept(
    address: Address, webhook: Webhook, time: Header, account: str = ""
) -> Accepted | Rejection:
    """The records of `webhook`, or why it is refused.

    `time` tells when it reached us, `account` is what the path names.

    Who has not proved to be the provider learns only that. One item of an account that
    the proof does not cover, and nothing of the webhook is taken.
    """
    secret = _proof(address, webhook)
    if secret is None:
        return _NOT_AUTHENTIC
    given = webhook.headers.get("content-type")
    if given and given != _JSON and not _is_json(given):
        return REJECTIONS[Outcome.WRONG_TYPE]
    try:
        items = address.provider.read(webhook.body)
    except ValueError:
        return REJECTIONS[Outcome.NOT_JSON]
    return _written(address, items, secret, time, account)


def _proof(address: Address, webhook: Webhook) -> str | None:
    verify = address.provider.verify
    for secret in address.secrets:
        if verify(webhook, secret):
            return secret
    return None


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == _JSON


def _written(
    address: Address, items: Sequence[Item], secret: str, time: Header, account: str
) -> Accepted | Rejection:
    accepted = Accepted([], [])
    for item in items:
        owner = _owner(address, item, secret, account)
        if owner is None:
            accepted.unrouted += 1
            scribe = Scribe(address.provider, item.account or "", tenant=None)
        elif secret in owner.secrets:
            scribe = owner.scribe
        else:
            return _NOT_AUTHENTIC
        accepted.records.append(scribe.record(item, time))
        accepted.kinds.append(item.kind)
    return accepted


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
