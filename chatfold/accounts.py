"""The accounts of tenants, with the credentials that their references lead to."""

import logging

from chatfold.tenancy import SecretMissing, Secrets, TenantDirectory
from chatfold.tenancy.current import Current
from schemas.tenants import Account
from streams.ports import Access

logger = logging.getLogger(__name__)


class Accounts:
    """Looks accounts up; one that is not known is looked for again in the newest tenants."""

    def __init__(self, directory: TenantDirectory, secrets: Secrets) -> None:
        self._current = Current(directory, secrets)

    async def access(self, *, tenant: str, provider: str, account: str) -> Access | None:
        """The account with its credentials as they are now; None if nobody configured it."""
        found = self._find(tenant, provider, account)
        if found is None:
            await self._current.catch_up()
            found = self._find(tenant, provider, account)
        return self._with_credentials(tenant, found) if found else None

    def _find(self, tenant: str, provider: str, account: str) -> Account | None:
        owner = self._current.known(tenant)
        accounts = owner.accounts if owner else ()
        named = (one for one in accounts if (one.provider, one.account) == (provider, account))
        return next(named, None)

    def _with_credentials(self, tenant: str, account: Account) -> Access:
        credentials, missing = {}, []
        for name, reference in account.credentials.items():
            try:
                credentials[name] = self._current.secret(reference, tenant=tenant)
            except SecretMissing as why:
                where = (name, account.account, account.provider, tenant)
                logger.warning("%s of account %s at %s of tenant %s: %s", *where, why)
                missing.append(name)
        return Access(account=account, credentials=credentials, missing=tuple(missing))
