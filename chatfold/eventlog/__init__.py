"""The edge's way into the log: group commit, acknowledged by all replicas or not at all."""

from chatfold.eventlog.errors import AppendFailed, KafkaUnreachable, Overloaded, RecordTooLarge
from chatfold.eventlog.lanes import MAX_RECORD_BYTES
from chatfold.eventlog.log import EventLog
from chatfold.eventlog.partitioning import partition_of

__all__ = [
    "MAX_RECORD_BYTES",
    "AppendFailed",
    "EventLog",
    "KafkaUnreachable",
    "Overloaded",
    "RecordTooLarge",
    "partition_of",
]
