"""Warnings that a flood of webhooks cannot turn into a flood of lines."""

import logging
import time
from typing import Final

QUIET_SECONDS: Final = 10.0


class Seldom:
    """Logs each kind of warning at most every ten seconds; the metrics count them all."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._last: dict[tuple[str, str], float] = {}

    def warn(self, message: str, subject: str, detail: object) -> None:
        """Log `message % (subject, detail)` unless `subject` was warned of just now.

        Subjects come from a closed set, such as the providers.
        """
        now = time.monotonic()
        if now - self._last.get((message, subject), -QUIET_SECONDS) >= QUIET_SECONDS:
            self._last[message, subject] = now
            self._logger.warning(message, subject, detail)
