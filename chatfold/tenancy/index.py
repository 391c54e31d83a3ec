"""All tenants at one moment, found by id and by account."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from schemas.tenants import Account, Tenant

Owned = tuple[Tenant, Account]


class Tenants:
    """An immutable set of tenants.

    An account that two tenants claim belongs to the one whose id sorts first; `conflicts`
    names the others.
    """

    __slots__ = ("_by_account", "_by_provider", "by_id", "conflicts")

    def __init__(self, tenants: Iterable[Tenant] = ()) -> None:
        ordered = sorted(tenants, key=lambda tenant: tenant.tenant_id)
        self.by_id: Mapping[str, Tenant] = MappingProxyType({t.tenant_id: t for t in ordered})
        self._by_account: dict[tuple[str, str], Owned] = {}
        self._by_provider: dict[str, list[Owned]] = {}
        self.conflicts: list[Owned] = []
        for tenant in ordered:
            for account in tenant.accounts:
                self._add(tenant, account)

    def _add(self, tenant: Tenant, account: Account) -> None:
        owned = (tenant, account)
        if self._by_account.setdefault((account.provider, account.account), owned) is not owned:
            self.conflicts.append(owned)
            return
        self._by_provider.setdefault(account.provider, []).append(owned)

    def account(self, provider: str, account: str) -> Owned | None:
        """The account and its tenant."""
        return self._by_account.get((provider, account))

    def accounts(self, provider: str) -> Sequence[Owned]:
        """Every account at `provider`."""
        return self._by_provider.get(provider, ())
