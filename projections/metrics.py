"""What projections tell Prometheus."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

FACTS: Final = Counter(
    "chatfold_projection_facts_total",
    "Records whose rows and position are stored. Flat while lag grows: see the role's log.",
    ["projection"],
)
BATCH_RECORDS: Final = Histogram(
    "chatfold_projection_batch_records",
    "Records in a batch. Always at the upper end: the projection is catching up or too slow.",
    ["projection"],
    buckets=(1, 5, 20, 100, 500, 1000, 2000, 5000),
)
BATCH_SECONDS: Final = Histogram(
    "chatfold_projection_batch_seconds",
    "Seconds to write a batch. When it rises the store is slow: look at its load and locks.",
    ["projection"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
POSITION: Final = Gauge(
    "chatfold_projection_position_offset",
    "Offset of the first record that is not stored. Standing still while lag grows: stuck.",
    ["projection", "partition"],
)
LAG_RECORDS: Final = Gauge(
    "chatfold_projection_lag_records",
    "Offsets between the position and the end of the log. Growing for minutes: start another"
    " instance, up to one for each partition.",
    ["projection", "partition"],
)
LAG_SECONDS: Final = Gauge(
    "chatfold_projection_lag_seconds",
    "Age of the oldest record that was read and is not stored; 0 when caught up. Above your"
    " patience: look at the store first, then at the batch histograms.",
    ["projection", "partition"],
)
HEARTBEAT: Final = Gauge(
    "chatfold_projection_heartbeat_timestamp_seconds",
    "When the partition's loop last went round. Older than a minute: it hangs, restart the role.",
    ["projection", "partition"],
)
RESTARTS: Final = Counter(
    "chatfold_projection_restarts_total",
    "Times a partition went back to its stored position. `fenced` outside of rebalances: two"
    " deployments write the same tables; `unavailable`: the store was away.",
    ["projection", "reason"],
)
DEAD_LETTERS: Final = Counter(
    "chatfold_projection_dead_letters_total",
    "Facts that could not be folded. Any: `chatfold dead-letters list` says which and why.",
    ["projection"],
)
WAITING: Final = Gauge(
    "chatfold_projection_waiting_chats",
    "Chats whose facts wait behind one that could not be folded; their rows are stale. Above 0:"
    " mend the cause, then `chatfold dead-letters replay`.",
    ["projection", "partition"],
)
CLAIMED_TWICE: Final = Counter(
    "chatfold_projection_claimed_twice_total",
    "Batches in which two messages of a chat had one platform id; the second goes without. When"
    " it rises, a provider's echoes are not recognised as ours: see the warning's position.",
)


class PartitionGauges:
    """The gauges of one partition, for as long as we have it."""

    def __init__(self, projection: str, partition: int, clock: Callable[[], datetime]) -> None:
        self._labels = (projection, str(partition))
        self._clock = clock
        self._oldest: float | None = None
        LAG_SECONDS.labels(*self._labels).set_function(self._age)

    def went_round(self) -> None:
        """The loop is alive."""
        HEARTBEAT.labels(*self._labels).set(self._clock().timestamp())

    def writes(self, timestamp: int) -> None:
        """A batch is being written whose first record was appended then (in milliseconds)."""
        self._oldest = timestamp / 1000

    def stored(self, position: int, end: int | None) -> None:
        """All before `position` is stored; the log goes to `end`, if that is known."""
        POSITION.labels(*self._labels).set(position)
        if end is not None:
            LAG_RECORDS.labels(*self._labels).set(max(0, end - position))
            if end <= position:
                self._oldest = None

    def close(self) -> None:
        """Another instance tells of this partition now."""
        for gauge in (POSITION, LAG_RECORDS, LAG_SECONDS, HEARTBEAT, WAITING):
            gauge.remove(*self._labels)

    def _age(self) -> float:
        return 0.0 if self._oldest is None else self._clock().timestamp() - self._oldest
