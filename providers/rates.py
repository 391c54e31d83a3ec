"""How fast each provider lets one send, to an account's people and to one of them.

The numbers are the providers' own, or what is known to be safe; an account that has been
promised more, or less, says so in its tenant's settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from schemas.tenants import SendLimits


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` messages at once, and one more every `interval` seconds."""

    interval: float
    burst: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one message counts against; None is no limit."""

    account: Rate
    chat: Rate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """A provider's rates; a chat whose name's last part begins with `group_sign` is a group."""

    chat: Rates
    group: Rates | None = None
    group_sign: str = ""


def at_most(count: float, *, seconds: float, at_once: int) -> Rate:
    """The rate that lets no more than `count` pass in any `seconds`."""
    return Rate(interval=seconds / (count - at_once), burst=at_once)


_WEB_SESSION: Final = Allowance(
    chat=Rates(account=at_most(5, seconds=1, at_once=2), chat=at_most(20, seconds=60, at_once=5))
)
"""Behind these is an ordinary phone's session: WhatsApp bans what sends like a machine."""

_TELEGRAM_BOT: Final = at_most(30, seconds=1, at_once=6)

ALLOWANCES: Final[Mapping[str, Allowance]] = MappingProxyType(
    {
        # 80 a second and number; 1 every 6 seconds and person, 45 of them may come at once
        "whatsapp_cloud": Allowance(
            chat=Rates(account=at_most(80, seconds=1, at_once=10), chat=Rate(6.0, burst=45))
        ),
        # 30 a second and bot; 1 a second and chat, short bursts allowed; 20 a minute and group
        "telegram": Allowance(
            chat=Rates(account=_TELEGRAM_BOT, chat=Rate(1.0, burst=5)),
            group=Rates(account=_TELEGRAM_BOT, chat=at_most(20, seconds=60, at_once=5)),
            group_sign="-",
        ),
        # 300 calls a second and account
        "instagram": Allowance(chat=Rates(account=at_most(300, seconds=1, at_once=30))),
        # 50 a second and instance; it queues what the phone has not sent yet
        "greenapi": Allowance(
            chat=Rates(account=at_most(50, seconds=1, at_once=10), chat=Rate(1.0, burst=5))
        ),
        "whapi": _WEB_SESSION,
        "evolution": _WEB_SESSION,
        # Twilio queues four hours of a number's messages; its API refuses floods
        "twilio_sms": Allowance(
            chat=Rates(account=at_most(10, seconds=1, at_once=5), chat=Rate(1.0, burst=5))
        ),
        "email": Allowance(
            chat=Rates(account=at_most(5, seconds=1, at_once=2), chat=Rate(1.0, burst=5))
        ),
        "web_push": Allowance(
            chat=Rates(account=at_most(100, seconds=1, at_once=20), chat=Rate(1.0, burst=10))
        ),
    }
)
UNFORESEEN: Final = _WEB_SESSION


def rates_of(provider: str, to: str, own: SendLimits | None) -> Rates:
    """What a message to `to` counts against at an account with limits of its `own`."""
    allowed = ALLOWANCES.get(provider, UNFORESEEN)
    is_group = allowed.group_sign and to.rpartition(":")[2].startswith(allowed.group_sign)
    rates = allowed.group if is_group and allowed.group else allowed.chat
    return (
        _own(rates, own.account_per_second, own.chat_per_second, own.chat_burst) if own else rates
    )


@lru_cache(1024)
def _own(rates: Rates, account: float | None, chat: float | None, chat_burst: int | None) -> Rates:
    one = Rate(1 / chat, max(1, int(chat))) if chat else rates.chat
    if one and chat_burst:
        one = replace(one, burst=chat_burst)
    return Rates(account=_a_second(account) if account else rates.account, chat=one)


def _a_second(count: float) -> Rate:
    """An eighth at once, so that a second in which others wait is not used up by its start."""
    return at_most(count, seconds=1, at_once=int(count / 8)) if count >= 8 else Rate(1 / count)
