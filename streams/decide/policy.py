"""How a tenant wants its chats decided."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from schemas.tenants import Fallback
from streams.decide.handlers import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`handlers` are asked in order; for the rest see `schemas.tenants.Tenant`."""

    handlers: tuple[Handler, ...]
    idle_close: timedelta
    retries: tuple[timedelta, ...] = (
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=15),
        timedelta(hours=1),
    )
    order_wait: timedelta = timedelta(minutes=5)
    confirmation: timedelta = timedelta(minutes=2)
    unconfirmed: Literal["hold", "resend"] = "hold"
    auto_resume: timedelta | None = timedelta(hours=2)
    fallbacks: tuple[Fallback, ...] = ()

    def handler(self, name: str) -> Handler | None:
        """The handler of that name, None if the tenant has it no more."""
        return next((one for one in self.handlers if one.name == name), None)
