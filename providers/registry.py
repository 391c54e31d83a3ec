"""Every provider by its name; adding one is a module and a line here."""

from datetime import timedelta
from types import MappingProxyType
from typing import Final

from providers import evolution, greenapi, instagram, telegram, whapi, whatsapp_cloud
from providers.pieces import pieces
from providers.protocol import Provider

PROVIDERS: Final = MappingProxyType[str, Provider](
    {
        one.name: one
        for one in (
            whatsapp_cloud.PROVIDER,
            telegram.PROVIDER,
            greenapi.PROVIDER,
            evolution.PROVIDER,
            whapi.PROVIDER,
            instagram.PROVIDER,
        )
    }
)


def session_window(name: str) -> timedelta | None:
    """How long after a person's last message the platform takes replies, None for ever."""
    provider = PROVIDERS.get(name)
    return None if provider is None else provider.session_window


def takes_templates(name: str) -> bool:
    """Whether the provider sends approved templates."""
    provider = PROVIDERS.get(name)
    return provider is not None and provider.takes_templates


def text_pieces(name: str, text: str) -> tuple[str, ...]:
    """The text in pieces that the provider takes; whole where nobody knows the provider."""
    provider = PROVIDERS.get(name)
    return (text,) if provider is None else pieces(text, provider.text_limit)
