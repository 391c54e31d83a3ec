"""Who we work for: the tenants of this deployment and where their secrets are."""

from chatfold.tenancy.checks import check
from chatfold.tenancy.defaults import tenant_from_settings
from chatfold.tenancy.directory import TenantDirectory, TenantsUnreadable
from chatfold.tenancy.files import TenantsRefused, parse
from chatfold.tenancy.index import Tenants
from chatfold.tenancy.records import record_of, removal_of, tenant_of
from chatfold.tenancy.register import Register, Rotated
from chatfold.tenancy.secrets import SecretMissing, Secrets

__all__ = [
    "Register",
    "Rotated",
    "SecretMissing",
    "Secrets",
    "TenantDirectory",
    "Tenants",
    "TenantsRefused",
    "TenantsUnreadable",
    "check",
    "parse",
    "record_of",
    "removal_of",
    "tenant_from_settings",
    "tenant_of",
]
