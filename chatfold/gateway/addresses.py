"""What a webhook path addresses: a provider, whose accounts may vouch for it, and who owns what."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from chatfold.gateway import metrics
from chatfold.gateway.outcomes import Outcome
from chatfold.gateway.scribe import Scribe
from chatfold.tenancy import SecretMissing, Secrets, TenantDirectory
from chatfold.tenancy.index import Owned
from providers import subpaths
from providers.protocol import Provider

logger = logging.getLogger(__name__)

REMEMBERED_PATHS: Final = 4096  # whoever makes up more costs a look-up each, and no memory


@dataclass(frozen=True, slots=True)
class Owner:
    """An account, its tenant, and the secrets that prove its webhooks authentic."""

    tenant: str
    account: str
    secrets: frozenset[str]
    scribe: Scribe


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One provider as addressed: by all tenants, or by a named one.

    `owners` are all accounts at the provider, `addressed` those that may vouch, `secrets`
    their distinct secrets.
    """

    provider: Provider
    owners: Mapping[str, Owner]
    addressed: Sequence[Owner]
    secrets: Sequence[str]
    verify_tokens: Sequence[str]

    def vouched_by(self, secret: str) -> Sequence[Owner]:
        """The addressed accounts that have this secret."""
        return [owner for owner in self.addressed if secret in owner.secrets]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: an address, and the account that the path names, if any."""

    address: Address
    account: str


class Addresses:
    """Places by path, kept until tenants or secrets change."""

    def __init__(
        self, directory: TenantDirectory, secrets: Secrets, providers: Mapping[str, Provider]
    ) -> None:
        self._directory = directory
        self._secrets = secrets
        self._providers = providers
        self._owners: dict[str, Mapping[str, Owner]] = {}
        self._built: dict[tuple[str, str | None], Address] = {}
        self._places: dict[str, Place] = {}
        directory.on_change(self.forget)

    def forget(self) -> None:
        """Look everything up anew."""
        self._owners.clear()
        self._built.clear()
        self._places.clear()

    def refresh_secrets(self) -> bool:
        """Whether a secret's file has changed; reads files, so run it in a thread."""
        return self._secrets.refresh()

    def place(self, path: str) -> Place | Outcome:
        """Where `/webhooks/{provider}[/{tenant}[/{account}]][/...]` leads, or why nowhere."""
        known = self._places.get(path)
        if known is not None:
            return known
        _, _, name, tenant, account, *_ = [*path.split("/"), "", "", ""]
        if (provider := self._providers.get(name)) is None:
            return Outcome.UNKNOWN_PROVIDER
        if tenant and self._directory.tenant(tenant) is None:
            if not subpaths.is_subpath(name, tenant):
                return Outcome.UNKNOWN_TENANT
            tenant = account = ""
        if len(self._places) >= REMEMBERED_PATHS:
            self._places.clear()
        self._places[path] = Place(self._address(provider, tenant or None), account)
        return self._places[path]

    def _address(self, provider: Provider, tenant: str | None) -> Address:
        key = (provider.name, tenant)
        if key not in self._built:
            self._built[key] = self._build(provider, tenant)
        return self._built[key]

    def _build(self, provider: Provider, tenant: str | None) -> Address:
        owners = self._owners_at(provider)
        addressed = [o for o in owners.values() if tenant is None or o.tenant == tenant]
        return Address(
            provider=provider,
            owners=owners,
            addressed=addressed,
            secrets=_distinct(secret for owner in addressed for secret in owner.secrets),
            verify_tokens=self._verify_tokens(provider, tenant),
        )

    def _owners_at(self, provider: Provider) -> Mapping[str, Owner]:
        if provider.name not in self._owners:
            owned = self._directory.accounts(provider.name)
            owners = {account.account: self._owner((t, account)) for t, account in owned}
            without = sum(not owner.secrets for owner in owners.values())
            metrics.SECRETLESS.labels(provider.name).set(without)
            self._owners[provider.name] = owners
        return self._owners[provider.name]

    def _owner(self, owned: Owned) -> Owner:
        tenant, account = owned
        secrets = self._resolved(owned, account.secrets)
        provider = self._providers[account.provider]
        scribe = Scribe(provider, account.account, tenant=tenant.tenant_id)
        return Owner(tenant.tenant_id, account.account, frozenset(secrets), scribe)

    def _verify_tokens(self, provider: Provider, tenant: str | None) -> Sequence[str]:
        return _distinct(
            token
            for owner, account in self._directory.accounts(provider.name)
            if account.verify_token and (tenant is None or owner.tenant_id == tenant)
            for token in self._resolved((owner, account), [account.verify_token])
        )

    def _resolved(self, owned: Owned, references: Iterable[str]) -> Iterable[str]:
        """The secrets that can be read; the others prove nothing."""
        tenant, account = owned
        for reference in references:
            try:
                yield self._secrets.resolve(reference, tenant=tenant.tenant_id)
            except SecretMissing as missing:
                where = (account.account, account.provider, tenant.tenant_id)
                logger.warning("account %s at %s of tenant %s: %s", *where, missing)


def _distinct(words: Iterable[str]) -> Sequence[str]:
    return tuple(dict.fromkeys(words))
