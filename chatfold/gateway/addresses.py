"""What a webhook path addresses: a provider, whose accounts may vouch for it, and who owns what."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chatfold.gateway import metrics
from chatfold.tenancy import SecretMissing, Secrets, TenantDirectory
from chatfold.tenancy.index import Owned
from providers.protocol import Provider

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """An account, its tenant, and the secrets that prove its webhooks authentic."""

    tenant: str
    account: str
    secrets: frozenset[str]


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


class Addresses:
    """Addresses by provider and tenant, kept until tenants or secrets change."""

    def __init__(
        self, directory: TenantDirectory, secrets: Secrets, providers: Mapping[str, Provider]
    ) -> None:
        self._directory = directory
        self._secrets = secrets
        self._providers = providers
        self._owners: dict[str, Mapping[str, Owner]] = {}
        self._kept: dict[tuple[str, str | None], Address | None] = {}
        directory.on_change(self.forget)

    def forget(self) -> None:
        """Look everything up anew."""
        self._owners.clear()
        self._kept.clear()

    def refresh_secrets(self) -> bool:
        """Whether a secret's file has changed; reads files, so run it in a thread."""
        return self._secrets.refresh()

    def find(self, provider: str, tenant: str | None) -> Address | None:
        """The address; None where the named tenant is unknown.

        Raises `KeyError` for an unknown provider.
        """
        known = self._providers[provider]
        if tenant is not None and self._directory.tenant(tenant) is None:
            return None  # not kept: what does not exist is without bound
        key = (provider, tenant)
        if key not in self._kept:
            self._kept[key] = self._build(known, tenant)
        return self._kept[key]

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
        return Owner(tenant.tenant_id, account.account, frozenset(secrets))

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
                yield self._secrets.resolve(reference)
            except SecretMissing as missing:
                where = (account.account, account.provider, tenant.tenant_id)
                logger.warning("account %s at %s of tenant %s: %s", *where, missing)


def _distinct(words: Iterable[str]) -> Sequence[str]:
    return tuple(dict.fromkeys(words))
