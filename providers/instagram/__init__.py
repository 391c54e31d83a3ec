"""Instagram Messaging: direct messages to a professional account, through Meta's Graph API."""

from collections.abc import Sequence
from typing import Final

from providers import meta
from providers.instagram import outgoing
from providers.instagram.exchanges import (
    ACCESS_TOKEN,
    fetch_media,
    mark_read,
    send,
    show_typing,
)
from providers.instagram.parse import parse
from providers.instagram.split import split
from providers.protocol import Item
from schemas import codec
from schemas.content import Platform


def read(body: bytes) -> Sequence[Item]:
    """The items of a body as it came."""
    return split(codec.loads(body))


class Instagram:
    """The provider's functions by the names of the protocol."""

    name: Final = "instagram"
    platform: Final = Platform.INSTAGRAM
    session_window: Final = meta.SESSION_WINDOW
    takes_templates: Final = False
    text_limit: Final = outgoing.TEXT_LIMIT
    required_credentials: Final = (ACCESS_TOKEN,)
    verify = staticmethod(meta.verify)
    sign = staticmethod(meta.sign)
    challenge = staticmethod(meta.challenge)
    split = staticmethod(split)
    read = staticmethod(read)
    parse = staticmethod(parse)
    send = staticmethod(send)
    mark_read = staticmethod(mark_read)
    show_typing = staticmethod(show_typing)
    fetch_media = staticmethod(fetch_media)


PROVIDER: Final = Instagram()
