"""Tenants whose models are the sandbox's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatfold.models import TenantModels
from chatfold.sandbox import Sandbox
from chatfold.tenancy import Secrets
from chatfold.tenancy.current import Current
from schemas.tenants import Models, Tenant

TENANT = "acme"
KEY = "acme:sk-s3cr3t"
REFERENCE = "env:TEST_MODEL_KEY"
PRICES = {
    "gpt-4o-mini": {"tokens_in": 0.15, "tokens_out": 0.6},
    "whisper-1": {"minute": 0.006},
}


class Directory:
    """Tenants of which some are known only after catching up."""

    def __init__(self, *known: Tenant, late: tuple[Tenant, ...] = ()) -> None:
        self.known = {one.tenant_id: one for one in known}
        self.late = late

    def tenant(self, tenant_id: str) -> Tenant | None:
        return self.known.get(tenant_id)

    async def catch_up(self) -> None:
        self.known |= {one.tenant_id: one for one in self.late}


def tenant(url: str, **models: object) -> Tenant:
    """A tenant with models at `url`."""
    given = {"base_url": url, "api_key": REFERENCE, "timeout_seconds": 5, "prices": PRICES}
    return Tenant(tenant_id=TENANT, name="Acme", models=Models.model_validate(given | models))


@asynccontextmanager
async def opened(*known: Tenant, late: tuple[Tenant, ...] = ()) -> AsyncIterator[TenantModels]:
    """The models of these tenants."""
    current = Current(Directory(*known, late=late), Secrets({"TEST_MODEL_KEY": KEY}))
    async with TenantModels(current) as models:
        yield models


@asynccontextmanager
async def of(box: Sandbox, **models: object) -> AsyncIterator[TenantModels]:
    """The models of a tenant of the sandbox's."""
    async with opened(tenant(box.models_url, **models)) as asked:
        yield asked
