"""Tenants and their secrets as they are now, looked for anew where they are not known."""

import asyncio
import logging
from typing import Final

from aiokafka.errors import KafkaError

from chatfold.tenancy.directory import TenantDirectory
from chatfold.tenancy.secrets import Secrets
from schemas.tenants import Tenant
from streams.ports import Unavailable

logger = logging.getLogger(__name__)

CATCH_UP_SECONDS: Final = 5.0
REFRESH_SECONDS: Final = 30.0
"""How long a secret in a file may be outdated."""


class Current:
    """What a directory and its secrets say at this moment."""

    def __init__(self, directory: TenantDirectory, secrets: Secrets) -> None:
        self._directory = directory
        self._secrets = secrets
        self._catching_up: asyncio.Task[None] | None = None
        self._refreshed = 0.0

    def known(self, tenant_id: str) -> Tenant | None:
        """The tenant as far as it is known."""
        return self._directory.tenant(tenant_id)

    async def tenant(self, tenant_id: str) -> Tenant | None:
        """The tenant, None if nobody has configured it; raises `Unavailable`."""
        found = self.known(tenant_id)
        if found is None:
            await self.catch_up()
            found = self.known(tenant_id)
        return found

    async def catch_up(self) -> None:
        """Know the tenants of this moment; all who ask meanwhile wait for the same answer."""
        if self._catching_up is None:
            self._catching_up = asyncio.create_task(self._look())
            self._catching_up.add_done_callback(self._looked)
        try:
            await asyncio.shield(self._catching_up)
        except (KafkaError, TimeoutError) as error:
            raise Unavailable(f"the tenants topic does not answer: {error!r}") from None

    def secret(self, reference: str, *, tenant: str) -> str:
        """What a tenant's reference leads to by now; raises `SecretMissing`."""
        now = asyncio.get_running_loop().time()
        if now - self._refreshed > REFRESH_SECONDS:
            self._refreshed = now
            self._secrets.refresh()
        return self._secrets.resolve(reference, tenant=tenant)

    async def _look(self) -> None:
        async with asyncio.timeout(CATCH_UP_SECONDS):
            await self._directory.catch_up()

    def _looked(self, task: asyncio.Task[None]) -> None:
        self._catching_up = None
        if not task.cancelled() and (error := task.exception()):
            logger.warning("orders wait for the tenants topic: %r", error)
