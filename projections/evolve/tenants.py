"""`tenants`: who we work for; without credentials, and without references to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from projections.rows import Columns, Write, json, text
from schemas.tenants import Account, Tenant

TABLE = "tenants"

_ELSEWHERE: Final[dict[str, bool | dict[str, bool]]] = {
    "tenant_id": True,
    "name": True,
    "accounts": True,
    "responder": True,
    "models": {"api_key": True, "speech_api_key": True},
    "assistant": {"system_prompt": True},
}
"""What has a column of its own, or is a reference to a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantRecorded:
    """A record of the tenants topic; `tenant` is None where it was removed."""

    tenant_id: str
    tenant: Tenant | None
    time: datetime
    place: int


def evolve(recorded: TenantRecorded) -> tuple[Write, ...]:
    """The tenant's row as it stands; one that was removed stays, with the time."""
    key = (recorded.tenant_id,)
    if recorded.tenant is None:
        columns: Columns = {"removed_at": recorded.time, "updated_at": recorded.time}
        return (Write(TABLE, key, recorded.place, columns),)
    assigned = {**_columns(recorded.tenant), "removed_at": None, "updated_at": recorded.time}
    return (Write(TABLE, key, recorded.place, assigned, {"created_at": recorded.time}),)


def _columns(tenant: Tenant) -> Columns:
    models = tenant.models
    return {
        "name": text(tenant.name),
        "accounts": json([_account(one) for one in tenant.accounts]),
        "responder": tenant.responder,
        "llm_provider": models.provider if models else None,
        "llm_model": text(models.chat) if models else None,
        "system_prompt": text(tenant.assistant.system_prompt or None),
        "settings": json(tenant.model_dump(mode="json", exclude=_ELSEWHERE)),
    }


def _account(account: Account) -> dict[str, object]:
    return account.model_dump(mode="json", include={"provider", "account", "platform"})
