"""Figures of the shared limits; each help text says what to do when it rises."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

PEERS: Final = Gauge(
    "chatfold_limits_peers_count",
    "Processes that send and share the limits. 0: Redis is away, and each keeps to its share "
    "of them alone.",
)
SECONDS: Final = Histogram(
    "chatfold_limits_exchange_seconds",
    "Telling the others what was sent, and hearing of them. Rises: look at Redis.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1),
)
FAILURES: Final = Counter(
    "chatfold_limits_failures_total",
    "Exchanges that failed. Rises: Redis is away; processes that start now may send too fast.",
)
