"""What a rebuild tells Prometheus, with `--metrics-port`."""

from typing import Final

from prometheus_client import Gauge

RATIO: Final = Gauge(
    "chatfold_rebuild_progress_ratio",
    "Part of the log that a rebuild has read, 0 to 1. Standing still: see the command's output.",
    ["projection"],
)
ETA: Final = Gauge(
    "chatfold_rebuild_eta_seconds",
    "Seconds that a rebuild will take at its present rate. Growing: the database is too slow.",
    ["projection"],
)
