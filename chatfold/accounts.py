"""The accounts of tenants, with the credentials that their references lead to."""

import asyncio
import logging
from typing import Final

from aiokafka.errors import KafkaError

from chatfold.tenancy import SecretMissing, Secrets, TenantDirectory
from schemas.tenants import Account
from streams.ports import Access, Unavailable

logger = logging.getLogger(__name__)

CATCH_UP_SECONDS: Final = 5.0
REFRESH_SECONDS: Final = 30.0
"""How long a secret in a file may be outdated."""


class Accounts:
    """Looks accounts up; one that is not known is looked for again in the newest tenants."""

    def __init__(self, directory: TenantDirectory, secrets: Secrets) -> None:
        self._directory = directory
        self._secrets = secrets
        self._catching_up: asyncio.Task[None] | None = None
        self._refreshed = 0.0

    async def access(self, *, tenant: str, provider: str, account: str) -> Access | None:
        """The account with its credentials as they are now; None if nobody configured it."""
        found = self._find(tenant, provider, account)
        if found is None:
            await self._catch_up()
            found = self._find(tenant, provider, account)
        return self._with_credentials(tenant, found) if found else None

    def _find(self, tenant: str, provider: str, account: str) -> Account | None:
        owner = self._directory.tenant(tenant)
        accounts = owner.accounts if owner else ()
        named = (one for one in accounts if (one.provider, one.account) == (provider, account))
        return next(named, None)

    async def _catch_up(self) -> None:
        """Know the tenants of this moment; all who ask meanwhile wait for the same answer."""
        if self._catching_up is None:
            self._catching_up = asyncio.create_task(self._look())
            self._catching_up.add_done_callback(self._looked)
        try:
            await asyncio.shield(self._catching_up)
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"the tenants topic does not answer: {error!r}") from None

    async def _look(self) -> None:
        async with asyncio.timeout(CATCH_UP_SECONDS):
            await self._directory.catch_up()

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._catching_up = None
        if not task.cancelled() and (error := task.exception()):
            logger.warning("orders wait for the tenants topic: %r", error)

    def _with_credentials(self, tenant: str, account: Account) -> Access:
        self._refresh()
        credentials, missing = {}, []
        for name, reference in account.credentials.items():
            try:
                credentials[name] = self._secrets.resolve(reference, tenant=tenant)
            except SecretMissing as why:
                where = (name, account.account, account.provider, tenant)
                logger.warning("%s of account %s at %s of tenant %s: %s", *where, why)
                missing.append(name)
        return Access(account=account, credentials=credentials, missing=tuple(missing))

    def _refresh(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._refreshed > REFRESH_SECONDS:
            self._refreshed = now
            self._secrets.refresh()
