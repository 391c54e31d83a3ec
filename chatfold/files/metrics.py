"""Figures of the readers of files; each help text says what to do when it rises."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

SECONDS: Final = Histogram(
    "chatfold_files_reading_seconds",
    "Looking into one file once it was its turn. Rises: large documents; see their waiting.",
    ["task"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
)
WAITING: Final = Gauge(
    "chatfold_files_waiting_tasks",
    "Files that wait for a reader. Stays high: give the role more CHATFOLD_MEDIA_READERS, or add "
    "another process.",
)
LOST: Final = Counter(
    "chatfold_files_lost_readers_total",
    "Readers that `died` of a file or were `stopped` as it took too long. Many: somebody sends "
    "files that are made to do harm; the agent's log names their messages.",
    ["task", "how"],
)
