"""What the archiver tells Prometheus."""

from typing import Final

from prometheus_client import Counter, Gauge

SEGMENTS: Final = Counter(
    "chatfold_archive_segments_total",
    "Segments that are in the archive and its index. Flat while lag grows: see the role's log.",
    ["topic"],
)
RECORDS: Final = Counter(
    "chatfold_archive_records_total", "Records of the log that were archived.", ["topic"]
)
BYTES: Final = Counter(
    "chatfold_archive_bytes_total",
    "Bytes of segments, compressed. What the storage will cost grows by so much.",
    ["topic"],
)
POSITION: Final = Gauge(
    "chatfold_archive_position_offset",
    "Offset of the first record that is not archived. Standing still while lag grows: stuck.",
    ["topic", "partition"],
)
LAG_RECORDS: Final = Gauge(
    "chatfold_archive_lag_records",
    "Offsets between the position and the end of the log. Growing for longer than"
    " CHATFOLD_ARCHIVE_SEGMENT_SECONDS: start another archiver, long before retention comes.",
    ["topic", "partition"],
)
LAG_SECONDS: Final = Gauge(
    "chatfold_archive_lag_seconds",
    "Age of the oldest record that was read and is not archived. Much above"
    " CHATFOLD_ARCHIVE_SEGMENT_SECONDS: the storage is away; what retention takes then is lost.",
    ["topic", "partition"],
)
RESTARTS: Final = Counter(
    "chatfold_archive_restarts_total",
    "Times the archiver went back to what the index says. `storage`: it cannot be reached;"
    " `fenced` outside of rebalances: two deployments write to one archive.",
    ["reason"],
)
