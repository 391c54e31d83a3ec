"""The log beyond Kafka's retention: segments in an object storage, and their index."""

from chatfold.archive.consumer import LogConsumer, PositionLost
from chatfold.archive.index import Entry, Index
from chatfold.archive.reading import LogReader
from chatfold.archive.storage import Storage, StorageUnavailable, Taken, opened

__all__ = [
    "Entry",
    "Index",
    "LogConsumer",
    "LogReader",
    "PositionLost",
    "Storage",
    "StorageUnavailable",
    "Taken",
    "opened",
]
