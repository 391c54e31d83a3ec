"""What the decider must know of tenants: how each wants its chats decided, and whose is what."""

import logging
from typing import Final

from chatfold import handlers
from chatfold.tenancy import TenantDirectory
from schemas.tenants import Tenant
from streams.decide.commands import commands
from streams.decide.echo import Echo
from streams.decide.handlers import Handler
from streams.decide.policy import Policy

LOG: Final = logging.getLogger(__name__)


def policy_of(tenant: Tenant) -> Policy:
    """The tenant's policy: commands, then its own handlers, then its responder.

    A handler that cannot be loaded is left out and logged; the chats go on without it.
    """
    own = [handler for name in tenant.handlers if (handler := _load(tenant, name)) is not None]
    responder = [Echo(tenant.commands)] if tenant.responder == "echo" else []
    built_in = commands(tenant.commands, tenant.mode_length)
    return Policy(
        handlers=(*built_in, *own, *responder),
        idle_close=tenant.idle_close,
        retries=tenant.retries,
        order_wait=tenant.order_wait,
        confirmation=tenant.confirmation,
        unconfirmed=tenant.unconfirmed,
        auto_resume=tenant.auto_resume,
        fallbacks=tenant.fallbacks,
    )


def _load(tenant: Tenant, name: str) -> Handler | None:
    try:
        return handlers.load(name)
    except handlers.UnknownHandler as error:
        LOG.error("handler of tenant %s is left out: %s", tenant.tenant_id, error)  # noqa: TRY400  # the text says it all
        return None


class Policies:
    """The policies of a directory's tenants, kept until the tenants change."""

    def __init__(self, directory: TenantDirectory) -> None:
        self._directory = directory
        self._kept: dict[str, Policy] = {}
        directory.on_change(self._kept.clear)

    def of(self, tenant_id: str) -> Policy | None:
        """The tenant's policy, None if nobody has configured it."""
        kept = self._kept.get(tenant_id)
        if kept is None and (tenant := self._directory.tenant(tenant_id)) is not None:
            kept = self._kept[tenant_id] = policy_of(tenant)
        return kept

    def tenant_of(self, provider: str, account: str) -> str | None:
        """Whose account it is."""
        owned = self._directory.account(provider, account)
        return owned[0].tenant_id if owned else None
