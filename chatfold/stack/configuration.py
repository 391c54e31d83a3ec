"""Versions and settings of the stack's servers as data; docker-compose.yml is held to the same."""

from typing import Final

from schemas.topics import MAX_MESSAGE_BYTES

KAFKA_VERSION: Final = "4.1.2"
POSTGRES_VERSION: Final = "18.6"
VALKEY_VERSION: Final = "9.1.2"

KAFKA_CLUSTER_ID: Final = "Y2hhdGZvbGQtc3RhY2stLQ"  # base64 of "chatfold-stack--"

MAX_BATCH_BYTES: Final = MAX_MESSAGE_BYTES + 64 * 1024  # the broker counts headers and batch too

KAFKA_PROPERTIES: Final[dict[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "broker.session.timeout.ms": "3000",  # after kill -9 a broker waits this long to come back
    "broker.heartbeat.interval.ms": "500",
    "message.max.bytes": str(MAX_BATCH_BYTES),
    "replica.fetch.max.bytes": str(MAX_BATCH_BYTES),
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "8",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),  # 128 MiB of heap by default
}

POSTGRES_ROLE: Final = "chatfold"
POSTGRES_DATABASE: Final = "chatfold"
POSTGRES_INITDB: Final = (
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",  # sorts alike on every machine
    "--builtin-locale=C.UTF-8",
)
POSTGRES_SETTINGS: Final[dict[str, str]] = {"max_connections": "200", "timezone": "UTC"}

VALKEY_SETTINGS: Final[dict[str, str]] = {"save": "", "appendonly": "no"}
