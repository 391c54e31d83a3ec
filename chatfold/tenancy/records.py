"""Tenants as records of the tenants topic: keyed by id, a null value removes."""

from datetime import datetime
from hashlib import sha256

from pydantic import ValidationError

from schemas import codec, envelope, identity
from schemas.tenants import Tenant

_SOURCE = b"/chatfold/cli"


def record_of(tenant: Tenant, now: datetime) -> envelope.Record:
    """The record that makes `tenant` known as it stands."""
    value = tenant.model_dump_json().encode()
    content = identity.derive("tenant", tenant.tenant_id, sha256(value).hexdigest())
    return envelope.Record(
        key=tenant.tenant_id.encode(),
        value=value,
        headers=[
            ("ce_specversion", b"1.0"),
            ("content-type", b"application/json"),
            ("ce_id", content.encode()),
            ("ce_type", b"Tenant.v1"),
            ("ce_source", _SOURCE),
            ("ce_subject", tenant.tenant_id.encode()),
            ("ce_time", now.isoformat().encode()),
        ],
    )


def removal_of(tenant_id: str) -> envelope.Record:
    """The record that removes a tenant."""
    return envelope.Record(key=tenant_id.encode(), value=None, headers=[])


def tenant_of(value: bytes) -> Tenant:
    """The tenant in a record's value; raises `codec.Undecodable`."""
    try:
        return Tenant.model_validate_json(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise codec.Undecodable(f"Tenant: {where}: {first['msg']}") from None
