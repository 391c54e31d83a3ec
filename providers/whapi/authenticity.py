"""Whapi signs nothing: it repeats the headers that the channel's settings give it.

The secret is one of our own choice, set as `Authorization: Bearer SECRET` in the channel's
`webhooks[].headers`; it is not the channel's API token.
"""

from collections.abc import Mapping
from typing import Final

from providers.proofs import is_same
from providers.protocol import Webhook

_HEADER: Final = "authorization"
_SCHEME: Final = "bearer "


def sign(body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG001  # it signs no body
    """The header that Whapi repeats with every webhook."""
    return {_HEADER: f"Bearer {secret}"}


def verify(webhook: Webhook, secret: str) -> bool:
    """Whether the webhook carries the secret, alone or after `Bearer`."""
    given = webhook.headers.get(_HEADER)
    if not given or not secret:
        return False
    bare = given[len(_SCHEME) :].strip() if given[: len(_SCHEME)].lower() == _SCHEME else given
    return is_same(bare, secret) | is_same(given, secret)  # some keep the whole header secret
