"""Figures of the operators' API."""

from typing import Final

from prometheus_client import Counter, Histogram

REQUESTS: Final = Counter(
    "chatfold_api_requests_total",
    "Requests by operation and status. 401 rising: somebody guesses tokens, or one was replaced;"
    " 503: look at Kafka and PostgreSQL; 500: read the log.",
    ["operation", "status"],
)
SECONDS: Final = Histogram(
    "chatfold_api_request_seconds",
    "From a request to its answer; when it rises look at PostgreSQL, or narrow the filters.",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
