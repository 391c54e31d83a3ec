"""How a tenant wants its chats decided."""

from dataclasses import dataclass
from datetime import timedelta

from streams.decide.handlers import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`handlers` are asked in order; the rest are the tenant's times."""

    handlers: tuple[Handler, ...]
    idle_close: timedelta

    def handler(self, name: str) -> Handler | None:
        """The handler of that name, None if the tenant has it no more."""
        return next((one for one in self.handlers if one.name == name), None)
