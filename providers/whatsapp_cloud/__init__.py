"""WhatsApp Cloud API: Meta's own way to WhatsApp."""

from collections.abc import Sequence
from typing import Final

from providers import meta
from providers.protocol import Item
from providers.whatsapp_cloud import outgoing
from providers.whatsapp_cloud.exchanges import (
    ACCESS_TOKEN,
    fetch_media,
    mark_read,
    send,
    show_typing,
)
from providers.whatsapp_cloud.parse import parse
from providers.whatsapp_cloud.quick import quick
from providers.whatsapp_cloud.split import split
from schemas import codec
from schemas.content import Platform


def read(body: bytes) -> Sequence[Item]:
    """The items of a body as it came."""
    found = quick(body)
    return split(codec.loads(body)) if found is None else found


class WhatsAppCloud:
    """The provider's functions by the names of the protocol."""

    name: Final = "whatsapp_cloud"
    platform: Final = Platform.WHATSAPP
    session_window: Final = meta.SESSION_WINDOW
    takes_templates: Final = True
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


PROVIDER: Final = WhatsAppCloud()
