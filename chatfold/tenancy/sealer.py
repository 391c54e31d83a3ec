"""Puts sealed secrets in the place of what operators write for them."""

from typing import Final

from chatfold.tenancy import sealing
from chatfold.tenancy.files import TenantsRefused
from chatfold.tenancy.index import Tenants
from chatfold.tenancy.references import changed, references, with_references
from chatfold.tenancy.secrets import SecretMissing, Secrets
from schemas.tenants import Tenant

SEAL: Final = "seal:"


def sealed_tables(tables: list[object], present: Tenants, secrets: Secrets) -> list[object]:
    """The tables with each `seal:REFERENCE` encrypted for its tenant; raises `TenantsRefused`.

    What the tenant has already, under the newest key, stays as it is.
    """
    return [_sealed(table, present, secrets) for table in tables]


def kept(tenant: Tenant, present: Tenant | None) -> Tenant:
    """The tenant with the whole of what it was shown of its sealed secrets only in part."""
    known = {sealing.shown(one): one for _, one in references(present)} if present else {}

    def whole(_: str, reference: str) -> str:
        return known.get(reference, reference)

    return with_references(tenant, whole)


def shown(tenant: Tenant) -> Tenant:
    """The tenant as people are shown it: of sealed secrets only the key."""
    return with_references(tenant, lambda _, reference: sealing.shown(reference))


def _sealed(table: object, present: Tenants, secrets: Secrets) -> object:
    tenant_id = table.get("tenant_id") if isinstance(table, dict) else None
    if not isinstance(tenant_id, str):
        return table  # refused later, for having no name
    before = present.by_id.get(tenant_id)
    standing = dict(references(before)) if before else {}

    def seal(where: str, written: str) -> str:
        if not written.startswith(SEAL):
            return written
        try:
            secret = secrets.resolve(written.removeprefix(SEAL), tenant=tenant_id)
        except SecretMissing as missing:
            raise TenantsRefused(f"{tenant_id}: {where}: {missing}") from None
        return _same(standing.get(where, ""), secret, tenant_id, secrets.keys) or (
            secrets.keys.seal(secret, tenant=tenant_id).reference
        )

    return changed(table, seal)


def _same(standing: str, secret: str, tenant_id: str, keys: sealing.MasterKeys) -> str | None:
    """What stands there, if it is that secret under the newest key."""
    try:
        sealed = sealing.parse(standing)
        is_same = sealed.key_id == keys.first and keys.open(sealed, tenant=tenant_id) == secret
    except sealing.CannotOpen:
        return None
    return standing if is_same else None
