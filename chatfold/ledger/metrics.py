"""Figures of the ledger; each help text says what to do when it rises."""

from typing import Final

from prometheus_client import Counter, Histogram

BATCH: Final = Histogram(
    "chatfold_ledger_batch_effects",
    "Effects per statement. Rises: PostgreSQL is slow, and more wait for each answer.",
    ["operation"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
SECONDS: Final = Histogram(
    "chatfold_ledger_statement_seconds",
    "One statement with its commit. Rises: look at PostgreSQL, its disk first.",
    ["operation"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
FAILURES: Final = Counter(
    "chatfold_ledger_failures_total",
    "Statements that failed and are made again. Rises: PostgreSQL is away or refuses.",
    ["operation"],
)
