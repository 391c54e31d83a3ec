"""Whapi.Cloud: WhatsApp through a phone's own session."""

from collections.abc import Sequence
from typing import Final

from providers.proofs import no_challenge
from providers.protocol import Item
from providers.whapi import authenticity, outgoing
from providers.whapi.exchanges import API_TOKEN, fetch_media, mark_read, send, show_typing
from providers.whapi.parse import parse
from providers.whapi.split import split
from schemas import codec
from schemas.content import Platform


def read(body: bytes) -> Sequence[Item]:
    """The items of a body as it came."""
    return split(codec.loads(body))


class Whapi:
    """The provider's functions by the names of the protocol."""

    name: Final = "whapi"
    platform: Final = Platform.WHATSAPP
    session_window: Final = None
    takes_templates: Final = False
    text_limit: Final = outgoing.TEXT_LIMIT
    required_credentials: Final = (API_TOKEN,)
    verify = staticmethod(authenticity.verify)
    sign = staticmethod(authenticity.sign)
    challenge = staticmethod(no_challenge)
    split = staticmethod(split)
    read = staticmethod(read)
    parse = staticmethod(parse)
    send = staticmethod(send)
    mark_read = staticmethod(mark_read)
    show_typing = staticmethod(show_typing)
    fetch_media = staticmethod(fetch_media)


PROVIDER: Final = Whapi()
