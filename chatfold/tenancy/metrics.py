"""Figures of the tenants a role knows."""

from typing import Final

from prometheus_client import Counter, Gauge

TENANTS: Final = Gauge(
    "chatfold_tenancy_tenants_count",
    "Tenants this role knows; roles that differ for long follow the tenants topic badly.",
)
CONFLICTS: Final = Gauge(
    "chatfold_tenancy_conflicting_accounts_count",
    "Accounts that two tenants claim; `chatfold tenants list` shows them: remove one.",
)
UNDECODABLE: Final = Counter(
    "chatfold_tenancy_undecodable_records_total",
    "Records of the tenants topic that are no tenant and were left out; apply the tenant again.",
)
