"""Green API: WhatsApp through a phone that is linked to an instance."""

from collections.abc import Mapping, Sequence
from typing import Final

from providers.greenapi import outgoing
from providers.greenapi.exchanges import API_TOKEN, fetch_media, mark_read, send, show_typing
from providers.greenapi.parse import parse
from providers.greenapi.split import split
from providers.proofs import is_same, no_challenge
from providers.protocol import Item, Webhook
from schemas import codec
from schemas.content import Platform

_AUTHORIZATION: Final = "authorization"
_SCHEMES: Final = frozenset({"bearer", "basic"})


def sign(body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG001  # it signs no body
    """The header that Green API sends with every webhook."""
    return {_AUTHORIZATION: secret if _scheme(secret) in _SCHEMES else f"Bearer {secret}"}


def verify(webhook: Webhook, secret: str) -> bool:
    """Whether the webhook carries the `webhookUrlToken`, bare or after a scheme."""
    given = webhook.headers.get(_AUTHORIZATION)
    if not given or not secret:
        return False
    token = given.partition(" ")[2] if _scheme(given) in _SCHEMES else given
    whole, bare = is_same(given, secret), is_same(token, secret)
    return whole or bare


def _scheme(header: str) -> str:
    scheme, space, _ = header.partition(" ")
    return scheme.lower() if space else ""


def read(body: bytes) -> Sequence[Item]:
    """The items of a webhook as it came."""
    return split(codec.loads(body))


class GreenApi:
    """The provider's functions by the names of the protocol."""

    name: Final = "greenapi"
    platform: Final = Platform.WHATSAPP
    session_window: Final = None
    takes_templates: Final = False
    text_limit: Final = outgoing.TEXT_LIMIT
    required_credentials: Final = (API_TOKEN,)
    verify = staticmethod(verify)
    sign = staticmethod(sign)
    challenge = staticmethod(no_challenge)
    split = staticmethod(split)
    read = staticmethod(read)
    parse = staticmethod(parse)
    send = staticmethod(send)
    mark_read = staticmethod(mark_read)
    show_typing = staticmethod(show_typing)
    fetch_media = staticmethod(fetch_media)


PROVIDER: Final = GreenApi()
