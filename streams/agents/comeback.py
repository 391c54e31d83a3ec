"""When orders come again that found no place: each at a moment of its own, at the line's pace.

What is sent back costs the log, the decider and us as much as what is sent. Came all of them again
after one fixed time, an account that hangs would take more of everybody's time the longer it hangs.
"""

from dataclasses import dataclass
from typing import Final

SOONEST_SECONDS: Final = 30.0

LATEST_SECONDS: Final = 300.0
"""Who waits must not wait for ever once the account works again."""

_REMEMBERED: Final = 4  # times the places: what happened before counts half from then on


@dataclass(slots=True)
class Comeback:
    """One line's: `places` are how many are served at a time, `now` is always the loop's time."""

    places: int
    _full_since: float | None = None
    _freed: int = 0
    _last: float = 0.0

    def had_room(self) -> None:
        """Somebody found a place at once: there is no crowd any more."""
        self._full_since, self._freed = None, 0

    def freed(self, now: float) -> None:
        """Somebody left a place."""
        if self._full_since is None:
            return
        self._freed += 1
        if self._freed > _REMEMBERED * self.places:
            self._full_since = (self._full_since + now) / 2
            self._freed //= 2

    def after(self, now: float) -> float:
        """In how many seconds the next one comes that finds no place now."""
        if self._full_since is None:
            self._full_since = now
        pace = (now - self._full_since) / (self._freed + self.places)
        soonest, latest = now + SOONEST_SECONDS, now + LATEST_SECONDS
        self._last = min(max(self._last, soonest) + pace, latest)
        return self._last - now
