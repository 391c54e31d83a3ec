"""Turns by key, counted in one number each: when what was handed out will be used up (GCRA)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from providers.rates import Rate
from streams.ports import AT_ONCE, Crowded, Turn

MOST_TOLD: Final = 2_000


@dataclass(slots=True)
class _Bucket:
    """`end` is when the last turn is over; `crowd` the same of those that were sent away.

    `untold` are the seconds handed out that the others do not know of.
    """

    end: float = 0.0
    crowd: float = 0.0
    untold: float = 0.0


class Buckets:
    """What this process has handed out, and what it has heard of the others.

    With a `share` of n each turn takes n times as long as the rate says.
    """

    def __init__(self) -> None:
        self.share = 1
        self._buckets: dict[str, _Bucket] = {}
        self._untold: dict[str, _Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def book(self, key: str, rate: Rate, longest: float, now: float) -> Turn | Crowded:
        """A turn within `longest` seconds, if there is one.

        Who gets none is told a moment of his own, so that not all come again at once.
        """
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket()
        interval = rate.interval * self.share
        end = max(now, bucket.end)
        wait = end - (rate.burst - 1) * interval - now
        if wait > longest:
            bucket.crowd = max(bucket.crowd, now + wait) + interval
            return Crowded(bucket.crowd - now)
        bucket.end = end + interval
        bucket.untold += interval
        self._untold[key] = bucket
        return AT_ONCE if wait <= 0 else Turn(wait)

    @property
    def has_untold(self) -> bool:
        """Whether turns were handed out that the others do not know of."""
        return bool(self._untold)

    def take_untold(self) -> dict[str, float]:
        """The seconds handed out by key, which count as told from now on; some, if many."""
        told: dict[str, float] = {}
        for key in list(self._untold)[:MOST_TOLD]:
            bucket = self._untold.pop(key)
            told[key], bucket.untold = bucket.untold, 0.0
        return told

    def learn(self, ahead: Mapping[str, float], now: float) -> None:
        """By how many seconds the turns of all are ahead of now."""
        for key, seconds in ahead.items():
            if (bucket := self._buckets.get(key)) is not None:
                bucket.end = now + seconds + bucket.untold

    def sweep(self, now: float) -> None:
        """Forget what is over."""
        self._buckets = {
            key: one
            for key, one in self._buckets.items()
            if one.end > now or one.crowd > now or one.untold
        }
