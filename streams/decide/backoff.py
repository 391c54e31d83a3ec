"""When what has failed is tried again: not before it was asked to be, and not all at once."""

from datetime import timedelta
from typing import Final

from schemas import identity

LONGEST_RETRY_AFTER: Final = timedelta(days=1)
JITTER: Final = 0.1
"""At most a tenth later, so that what failed together does not all come back at once."""


def asked_for(retry_after_seconds: float | None) -> timedelta:
    """How long the other side wants to be left alone, as far as we comply."""
    return min(timedelta(seconds=min(retry_after_seconds or 0, 1e9)), LONGEST_RETRY_AFTER)


def spread(planned: timedelta, subject_id: str, attempt: int) -> timedelta:
    """`planned`, and up to `JITTER` of it more: always the same for the same attempt."""
    drawn = identity.derive("jitter", subject_id, str(attempt))
    return planned * (1 + JITTER * int(drawn[:8], 16) / 16**8)
