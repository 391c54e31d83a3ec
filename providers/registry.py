"""Every provider by its name; adding one is a module and a line here."""

from types import MappingProxyType
from typing import Final

from providers import telegram, whatsapp_cloud
from providers.protocol import Provider

PROVIDERS: Final = MappingProxyType[str, Provider](
    {one.name: one for one in (whatsapp_cloud.PROVIDER, telegram.PROVIDER)}
)
