"""What the log, the decision and the providers speak in: immutable values, cheap to make."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

Moment = Annotated[datetime, Meta(tz=True)]
"""A point in time; one without a zone is refused."""


class Value(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Frozen, refuses fields it does not know, leaves out those that say nothing new.

    It is never part of a reference cycle, so that the garbage collector need not look at it.
    """
