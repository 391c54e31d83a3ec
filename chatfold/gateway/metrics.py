"""Figures of the gateway."""

from functools import cache
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from chatfold.gateway.outcomes import Outcome

WEBHOOKS: Final = Counter(
    "chatfold_gateway_webhooks_total",
    "Webhooks by how they were answered. unauthenticated: check the account's secret;"
    " unavailable, overloaded: look at Kafka; failed: read the log.",
    ["provider", "result"],
)
SECONDS: Final = Histogram(
    "chatfold_gateway_webhook_seconds",
    "From a webhook's headers to its answer; when it rises look at chatfold_eventlog_*.",
    ["provider", "result"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ITEMS: Final = Counter(
    "chatfold_gateway_items_total",
    "Items in the log, by kind; unrecognised ones wait for a provider's new format.",
    ["provider", "kind"],
)
UNROUTED: Final = Counter(
    "chatfold_gateway_unrouted_items_total",
    "Items in the log for accounts that no tenant has; `chatfold tenants apply` gives them one.",
    ["provider"],
)
PENDING: Final = Gauge(
    "chatfold_gateway_pending_bytes",
    "Webhooks in memory; near the bound new ones get 503: Kafka is too slow, or add gateways.",
)
SECRETLESS: Final = Gauge(
    "chatfold_gateway_accounts_without_secret_count",
    "Accounts whose webhooks are all refused, as no secret of theirs can be read; see the log.",
    ["provider"],
)

UNKNOWN: Final = "unknown"


@cache
def result(provider: str, outcome: Outcome) -> tuple[Counter, Histogram]:
    """The counter and the histogram of one kind of answer; looked up once."""
    return WEBHOOKS.labels(provider, outcome), SECONDS.labels(provider, outcome)


@cache
def items(provider: str, kind: str) -> Counter:
    """The counter of one kind of item; looked up once."""
    return ITEMS.labels(provider, kind)
