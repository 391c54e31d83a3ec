"""Evolution API v2: WhatsApp through one's own server that speaks WhatsApp Web's protocol."""

from typing import Final

from providers.evolution import outgoing
from providers.evolution.authenticity import sign, verify
from providers.evolution.exchanges import API_KEY, fetch_media, mark_read, send, show_typing
from providers.evolution.parse import parse
from providers.evolution.split import read, split
from providers.proofs import no_challenge
from schemas.content import Platform


class Evolution:
    """The provider's functions by the names of the protocol."""

    name: Final = "evolution"
    platform: Final = Platform.WHATSAPP
    session_window: Final = None
    takes_templates: Final = False
    text_limit: Final = outgoing.TEXT_LIMIT
    required_credentials: Final = (API_KEY,)
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


PROVIDER: Final = Evolution()
