"""Lets an account rest that its provider does not know any more, and tries it now and then.

What one process learns it keeps to itself: each loses a few sends before it has learned it.
"""

import logging
from typing import Final

from providers.failures import FailureCode, SendFailure
from streams.agents import metrics
from streams.outcomes import Ended
from streams.ports import Access

logger = logging.getLogger(__name__)

IN_A_ROW: Final = 5
FIRST_REST_SECONDS: Final = 60.0
LONGEST_REST_SECONDS: Final = 900.0
PROBE_SECONDS: Final = 20.0
"""Longer than any call: one order at a time tries whether the account works again."""

_OPERATORS: Final = frozenset(
    {FailureCode.UNAUTHENTICATED, FailureCode.ACCOUNT_DISABLED, FailureCode.NOT_CONFIGURED}
)


class Breaker:
    """One account's: `name` is for the log, `provider` for the metrics."""

    def __init__(self, name: str, provider: str) -> None:
        self._name = name
        self._provider = provider
        self._failures = 0
        self._rest = FIRST_REST_SECONDS
        self._failed_with: Access | None = None
        self._closed_until = 0.0

    def rests(self, access: Access, now: float) -> float | None:
        """Seconds for which nothing is sent; None lets the order try.

        `now` is the loop's time. An account that was changed meanwhile is tried at once.
        """
        if self._failures < IN_A_ROW:
            return None
        if self._failed_with is not None and _is_other(access, self._failed_with):
            self._go_on("was changed")
            return None
        if now < self._closed_until:
            return self._closed_until - now
        self._closed_until = now + PROBE_SECONDS
        return None

    def ended(self, ended: Ended, access: Access, now: float) -> None:
        """Learn how a send ended."""
        if not (isinstance(ended, SendFailure) and ended.code in _OPERATORS):
            if self._failures >= IN_A_ROW:
                self._go_on("works again")
            self._failures = 0
            return
        self._failures += 1
        self._failed_with = access
        if self._failures >= IN_A_ROW:
            self._stop(ended, now)

    def _stop(self, ended: SendFailure, now: float) -> None:
        if self._failures == IN_A_ROW:
            metrics.STOPPED.labels(self._provider).inc()
            metrics.BREAKS.labels(self._provider).inc()
        self._closed_until = now + self._rest
        logger.warning("account %s rests for %s s: %s", self._name, self._rest, ended.code)
        self._rest = min(self._rest * 2, LONGEST_REST_SECONDS)

    def _go_on(self, why: str) -> None:
        self._failures, self._rest = 0, FIRST_REST_SECONDS
        metrics.STOPPED.labels(self._provider).dec()
        logger.info("account %s %s: its messages are sent again", self._name, why)


def _is_other(one: Access, another: Access) -> bool:
    """Whether the tenant was written anew, or a secret has another value."""
    return one.account is not another.account or one.credentials != another.credentials
