"""Limits that all delivery agents together keep to."""

from chatfold.limits.shared import LocalLimits, SharedLimits, opened

__all__ = ["LocalLimits", "SharedLimits", "opened"]
