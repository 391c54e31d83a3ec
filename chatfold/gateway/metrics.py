"""Figures of the gateway.

What is counted for every webhook is kept in plain numbers and told when somebody asks: a
counter and a histogram of prometheus_client cost 1.5 us a webhook, these cost 0.4.
"""

from bisect import bisect_left
from collections import Counter as Count
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import REGISTRY, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from chatfold.gateway.outcomes import Outcome

UNKNOWN: Final = "unknown"
BOUNDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

PENDING: Final = Gauge(
    "chatfold_gateway_pending_bytes",
    "Bodies in memory; near the bound new webhooks get 503: Kafka is too slow, or add gateways.",
)
SECRETLESS: Final = Gauge(
    "chatfold_gateway_accounts_without_secret_count",
    "Accounts whose webhooks are all refused, as no secret of theirs can be read; see the log.",
    ["provider"],
)


class Duration:
    """How long the webhooks of one provider and one result took."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one webhook."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


class Tally(Collector):
    """Webhooks, their items and their durations, by labels from closed sets."""

    def __init__(self) -> None:
        self.durations: dict[tuple[str, Outcome], Duration] = {}
        self.items = Count[tuple[str, str]]()
        self.unrouted = Count[str]()

    def webhook(self, provider: str, outcome: Outcome, seconds: float) -> None:
        """Count a webhook that was answered."""
        duration = self.durations.get((provider, outcome))
        if duration is None:
            duration = self.durations[provider, outcome] = Duration()
        duration.observe(seconds)

    def collect(self) -> Iterator[Metric]:
        """All figures, for Prometheus."""
        webhooks = CounterMetricFamily(
            "chatfold_gateway_webhooks",
            "Webhooks by how they were answered. unauthenticated: check the account's secret;"
            " unavailable, overloaded: look at Kafka; failed: read the log.",
            labels=("provider", "result"),
        )
        seconds = HistogramMetricFamily(
            "chatfold_gateway_webhook_seconds",
            "From a webhook's body to its answer; when it rises look at chatfold_eventlog_*.",
            labels=("provider", "result"),
        )
        for labels, duration in tuple(self.durations.items()):
            counts = list(accumulate(duration.buckets))
            names = [*map(floatToGoString, BOUNDS), "+Inf"]
            webhooks.add_metric(labels, counts[-1])
            seconds.add_metric(labels, list(zip(names, counts, strict=True)), duration.total)
        yield webhooks
        yield seconds
        yield from self._collect_items()

    def _collect_items(self) -> Iterator[Metric]:
        items = CounterMetricFamily(
            "chatfold_gateway_items",
            "Items in the log, by kind; unrecognised ones wait for a provider's new format.",
            labels=("provider", "kind"),
        )
        unrouted = CounterMetricFamily(
            "chatfold_gateway_unrouted_items",
            "Items in the log for accounts that no tenant has; `chatfold tenants apply` gives"
            " them one.",
            labels=("provider",),
        )
        for labels, count in tuple(self.items.items()):
            items.add_metric(labels, count)
        for provider, count in tuple(self.unrouted.items()):
            unrouted.add_metric((provider,), count)
        yield items
        yield unrouted


TALLY: Final = Tally()
REGISTRY.register(TALLY)
