"""Python's garbage collector, told that a role makes many values and hardly ever a cycle."""

import gc
from typing import Final

THRESHOLDS: Final = (50_000, 20, 50)
"""Measured on the decider: with Python's own (700, 10, 10) it cost 15 % of the CPU of an input."""


def relax() -> None:
    """Leave alone what was loaded at start, and look for cycles seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
