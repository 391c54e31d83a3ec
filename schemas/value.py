"""What the log, the decision and the providers speak in: immutable values, cheap to make."""

from msgspec import Struct


class Value(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Frozen, refuses fields it does not know, and is never part of a reference cycle."""
