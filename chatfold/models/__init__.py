"""The models of tenants: what is said, seen or to be answered, asked of their services."""

from chatfold.models.client import TenantModels

__all__ = ["TenantModels"]
