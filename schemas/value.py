"""What the log, the decision and the providers speak in: immutable values, cheap to make."""

from msgspec import Struct


class Value(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Frozen, refuses fields it does not know, leaves out those that say nothing new.

    It is never part of a reference cycle, so that the garbage collector need not look at it.
    """
