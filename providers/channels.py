"""Everything that can send, by its name: the providers, and what only sends."""

from types import MappingProxyType
from typing import Final

from providers import mail, twilio_sms, web_push
from providers.registry import PROVIDERS
from providers.sending import Channel

CHANNELS: Final = MappingProxyType[str, Channel](
    {**PROVIDERS, **{one.name: one for one in (twilio_sms.CHANNEL, mail.CHANNEL, web_push.CHANNEL)}}
)
