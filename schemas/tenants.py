"""Tenants: who we work for, through which accounts, and how their chats are to be answered."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.content import Platform

TENANT_ID = r"^[a-z0-9][a-z0-9_-]{0,62}$"
REFERENCE = r"^(env|file):.+$"

Reference = Annotated[str, Field(pattern=REFERENCE)]


class Strict(BaseModel):
    """Frozen, and refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SendLimits(Strict):
    """How fast an account may send, where its provider's usual limits do not fit."""

    account_per_second: float | None = Field(None, gt=0, le=100_000)
    chat_per_second: float | None = Field(None, gt=0, le=100_000)
    chat_burst: int | None = Field(None, ge=1, le=100_000)


class Account(Strict):
    """One account at one provider, or at a channel that only sends: that has no `platform`.

    `credentials` and `secrets` hold references (`env:NAME`, `file:PATH`), never values:
    `credentials` are what requests to the provider need, by the provider's own names;
    any of `secrets` proves a webhook authentic, several at once for rotation.
    """

    provider: str
    account: str
    platform: Platform | None = None
    credentials: dict[str, Reference] = {}
    secrets: tuple[Reference, ...] = ()
    verify_token: Reference | None = None
    base_url: str | None = None
    limits: SendLimits | None = None


class Commands(Strict):
    """What a user types for each command."""

    history: str = "/HISTORY"
    close: str = "/CLOSE"
    stats: str = "/STATS"
    enter: str = "/WAPPA"
    leave: str = "/EXIT"


class Tenant(Strict):
    """A tenant as it stands in the tenants topic, keyed by `tenant_id`."""

    tenant_id: str = Field(pattern=TENANT_ID)
    name: str
    accounts: tuple[Account, ...] = ()
    responder: Literal["echo", "none"] = "echo"
    handlers: tuple[str, ...] = ()
    commands: Commands = Commands()
    idle_close_hours: float = Field(24.0, gt=0)
    mode_minutes: float = Field(30.0, gt=0)

    @property
    def idle_close(self) -> timedelta:
        """How long a conversation stays open without a message."""
        return timedelta(hours=self.idle_close_hours)

    @property
    def mode_length(self) -> timedelta:
        """How long the special mode lasts."""
        return timedelta(minutes=self.mode_minutes)
