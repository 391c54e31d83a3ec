"""An input is decided once: its id is remembered for a window, and no longer."""

from datetime import datetime, timedelta


def is_remembered(seen_at: datetime | None, *, now: datetime, window: timedelta) -> bool:
    """Whether an input whose id was first seen at `seen_at` is a repeat."""
    return seen_at is not None and now - seen_at < window
