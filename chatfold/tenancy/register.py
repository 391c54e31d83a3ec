"""The tenants topic as operators change it: checked as a whole, written, and known at once."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aiokafka.errors import KafkaError

from chatfold.clock import Clock
from chatfold.eventlog import AppendFailed
from chatfold.tenancy import sealing
from chatfold.tenancy.checks import check
from chatfold.tenancy.directory import TenantDirectory
from chatfold.tenancy.index import Tenants
from chatfold.tenancy.records import record_of, removal_of
from chatfold.tenancy.references import with_references
from chatfold.tenancy.sealer import kept
from chatfold.tenancy.secrets import Secrets
from providers.sending import Channel
from schemas.envelope import Record
from schemas.tenants import Tenant

LOG: Final = logging.getLogger(__name__)


class Log(Protocol):
    """The log as it is appended to."""

    async def append(self, topic: str, records: Sequence[Record], timeout: float) -> None:
        """Return once all are acknowledged; raises `AppendFailed`."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """Whose secrets are under the first key now, and what could not be opened, with the reason."""

    tenants: Sequence[str]
    unopened: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Writes the tenants topic; every method raises `AppendFailed` while Kafka is away."""

    directory: TenantDirectory
    log: Log
    topic: str
    secrets: Secrets
    channels: Mapping[str, Channel]
    append_seconds: float
    now: Clock

    @property
    def tenants(self) -> Tenants:
        """All tenants, as far as is known here."""
        return self.directory.snapshot

    async def newest(self) -> Tenants:
        """All tenants of this moment."""
        try:
            async with asyncio.timeout(self.append_seconds):
                await self.directory.catch_up()
        except (KafkaError, TimeoutError) as error:
            raise AppendFailed(f"the tenants topic does not answer: {error!r}") from None
        return self.directory.snapshot

    async def put(self, given: Sequence[Tenant], by: str) -> Sequence[str]:
        """Add or replace tenants; whose record that has changed. Raises `TenantsRefused`.

        A sealed secret that is given as it is shown is the one that stands there.
        """
        present = (await self.newest()).by_id
        new = [kept(tenant, present.get(tenant.tenant_id)) for tenant in given]
        check(new, present.values(), self.channels, self.secrets.keys)
        changed = [tenant for tenant in new if present.get(tenant.tenant_id) != tenant]
        await self._write([record_of(tenant, self.now()) for tenant in changed])
        names = [tenant.tenant_id for tenant in changed]
        self._note(by, "applied", names)
        return names

    async def remove(self, tenant_id: str, by: str) -> bool:
        """Remove a tenant; whether there was one."""
        if tenant_id not in (await self.newest()).by_id:
            return False
        await self._write([removal_of(tenant_id)])
        self._note(by, "removed", [tenant_id])
        return True

    async def rotate(self, by: str) -> Rotated:
        """Seal every secret by the first key that is under an older one; raises `Refusal`."""
        first, changed, unopened = self.secrets.keys.first, list[Tenant](), list[str]()
        for tenant in (await self.newest()).by_id.values():
            resealed = _resealed(tenant, first, self.secrets.keys, unopened)
            if resealed != tenant:
                changed.append(resealed)
        await self._write([record_of(tenant, self.now()) for tenant in changed])
        names = [tenant.tenant_id for tenant in changed]
        self._note(by, f"sealed anew by master key {first}:", names)
        return Rotated(names, unopened)

    async def _write(self, records: Sequence[Record]) -> None:
        if records:
            await self.log.append(self.topic, records, self.append_seconds)
            await self.newest()

    def _note(self, by: str, what: str, names: Sequence[str]) -> None:
        for name in names:
            LOG.info("%s %s tenant %s", by, what, name, extra={"tenant": name})


def _resealed(tenant: Tenant, first: str, keys: sealing.MasterKeys, unopened: list[str]) -> Tenant:
    def reseal(where: str, reference: str) -> str:
        if not reference.startswith(sealing.PREFIX):
            return reference
        try:
            sealed = sealing.parse(reference)
            if sealed.key_id == first:
                return reference
            secret = keys.open(sealed, tenant=tenant.tenant_id)
        except sealing.CannotOpen as error:
            unopened.append(f"{tenant.tenant_id}: {where}: {error}")
            return reference
        return keys.seal(secret, tenant=tenant.tenant_id).reference

    return with_references(tenant, reseal)
