"""Telegram Bot API."""

from collections.abc import Mapping, Sequence
from typing import Final

from providers.proofs import is_same, no_challenge
from providers.protocol import Item, Webhook
from providers.telegram import outgoing
from providers.telegram.exchanges import BOT_TOKEN, fetch_media, mark_read, send, show_typing
from providers.telegram.parse import parse
from providers.telegram.split import split
from schemas import codec
from schemas.content import Platform

_SECRET_TOKEN: Final = "x-telegram-bot-api-secret-token"  # noqa: S105  # the header's name


def sign(body: bytes, secret: str) -> Mapping[str, str]:  # noqa: ARG001  # it signs no body
    """The header that Telegram repeats with every webhook."""
    return {_SECRET_TOKEN: secret}


def verify(webhook: Webhook, secret: str) -> bool:
    """Whether the webhook carries the secret that was given to `setWebhook`."""
    given = webhook.headers.get(_SECRET_TOKEN)
    if not given or not secret:
        return False
    return is_same(given, secret)


def read(body: bytes) -> Sequence[Item]:
    """The items of an update as it came."""
    return split(codec.loads(body))


class Telegram:
    """The provider's functions by the names of the protocol."""

    name: Final = "telegram"
    platform: Final = Platform.TELEGRAM
    session_window: Final = None
    takes_templates: Final = False
    text_limit: Final = outgoing.TEXT_LIMIT
    required_credentials: Final = (BOT_TOKEN,)
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


PROVIDER: Final = Telegram()
