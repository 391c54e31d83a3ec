"""Writes the inbox records of one account; what they all have in common is made once."""

from datetime import datetime
from functools import lru_cache
from typing import Final

from providers.protocol import Item, Provider
from schemas import codec, identity
from schemas.envelope import Record
from schemas.inputs import WebhookReceived, WebhookUnrouted

_SOURCE: Final = ("ce_source", b"/chatfold/gateway")
_VERSION: Final = ("ce_specversion", b"1.0")
_JSON: Final = ("content-type", b"application/json")
_REMEMBERED: Final = 2**15  # chats talk in bursts; about 8 MB


Header = tuple[str, bytes]


def time_header(received: datetime) -> Header:
    """The header that tells when something reached us."""
    return "ce_time", received.isoformat().encode()


@lru_cache(_REMEMBERED)
def _chat_key(tenant: str, platform: str, platform_user_id: str) -> bytes:
    chat = identity.chat_id(tenant=tenant, platform=platform, platform_user_id=platform_user_id)
    return chat.encode()


class Scribe:
    """Writes what `envelope.encode` would, for a fifth of its price: it runs for every item."""

    __slots__ = (
        "_account",
        "_account_chat",
        "_platform",
        "_provider",
        "_routed",
        "_tenant",
        "_tenant_header",
        "_type",
    )

    def __init__(self, provider: Provider, account: str, *, tenant: str | None) -> None:
        """`tenant` None means that nobody has this account."""
        kind = WebhookUnrouted if tenant is None else WebhookReceived
        self._provider = provider.name
        self._platform = provider.platform.value
        self._account = account
        self._tenant = tenant or ""
        self._account_chat = f"account:{account}"
        self._type = ("ce_type", kind.type.encode())
        self._tenant_header = ("ce_tenant", self._tenant.encode())
        self._routed = tenant is not None

    def record(self, item: Item, time: Header) -> Record:
        """The record of `item`; `time` is its `time_header`."""
        person = (item.platform_user_id if self._routed else "") or self._account_chat
        key = _chat_key(self._tenant, self._platform, person)
        kind = item.kind.value
        named = identity.input_id(
            tenant=self._tenant,
            provider=self._provider,
            account=self._account,
            kind=kind,
            message_id=item.message_id,
        ).encode()
        value = {
            "provider": self._provider,
            "account": self._account,
            "platform": self._platform,
            "kind": kind,
            "platform_user_id": item.platform_user_id,
            "message_id": item.message_id,
            "fragment": item.fragment,
        }
        return Record(
            key,
            codec.dumps(value),
            [
                _VERSION,
                _JSON,
                ("ce_id", named),
                self._type,
                _SOURCE,
                ("ce_subject", key),
                time,
                self._tenant_header,
                ("ce_causationid", named),
                ("ce_correlationid", named),
            ],
        )
