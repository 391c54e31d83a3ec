"""Figures of the way into the log."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

PENDING: Final = Gauge(
    "chatfold_eventlog_pending_bytes",
    "Records that wait for the broker's acknowledgement; near the bound the broker is too slow.",
)
BATCH_RECORDS: Final = Histogram(
    "chatfold_eventlog_batch_records",
    "Records appended by one request to a partition; large batches mean a busy or slow broker.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024),
)
APPEND_SECONDS: Final = Histogram(
    "chatfold_eventlog_append_seconds",
    "From handing a batch to the producer to the broker's acknowledgement; look at the broker.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
FAILED_BATCHES: Final = Counter(
    "chatfold_eventlog_failed_batches_total",
    "Batches that the broker refused or nobody knows about; read the log for the error.",
)
ABANDONED_BATCHES: Final = Counter(
    "chatfold_eventlog_abandoned_batches_total",
    "Batches never sent because all who waited had given up; the broker is away or too slow.",
)
PRODUCERS: Final = Counter(
    "chatfold_eventlog_producers_started_total",
    "Producers started; more than one per process means that Kafka refused an older one.",
)
