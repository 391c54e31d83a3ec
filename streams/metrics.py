"""The decider's metrics; each help text says what to do when it rises."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

INPUTS: Final = Counter(
    "chatfold_decider_inputs_total",
    "Inputs by type and result. Many `duplicate`: the provider redelivers, look at the gateway's "
    "latency. Any `dead_letter`: `chatfold dead-letters list` says why. `waiting`: the tenant is "
    "not configured, apply it.",
    ["type", "result"],
)
FACTS: Final = Counter(
    "chatfold_decider_facts_total",
    "Facts by type. Many HandlerFailed: a tenant's handler raises, see the decider's log.",
    ["type"],
)
BATCH: Final = Histogram(
    "chatfold_decider_batch_records",
    "Inputs per transaction. Always at the top: the decider is behind, add another.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
)
TRANSACTION: Final = Histogram(
    "chatfold_decider_transaction_seconds",
    "From the first record of a transaction to its commit. Rises: look at the brokers.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
RESTORE: Final = Histogram(
    "chatfold_decider_restore_seconds",
    "Restoring one partition's state. Rises: more chats than one partition should hold.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
RESTARTS: Final = Counter(
    "chatfold_decider_partition_restarts_total",
    "Partitions that were given up and restored, by cause. Rises: brokers or the network.",
    ["cause"],
)
PARKED: Final = Gauge(
    "chatfold_decider_unrouted_items",
    "Items that wait for their account to be configured. Above 0: apply a tenant with it.",
    ["partition"],
)
WAITING: Final = Gauge(
    "chatfold_decider_waiting_inputs",
    "Inputs of tenants that are not configured. Above 0: a tenant was removed while something of "
    "it was under way; apply it again, or leave them.",
    ["partition"],
)
LAG: Final = Gauge(
    "chatfold_decider_lag_records",
    "Inputs not yet decided. Grows: add a decider, up to one per partition.",
    ["partition"],
)
LAG_SECONDS: Final = Gauge(
    "chatfold_decider_lag_seconds",
    "Age of the last decided input while there are more. Grows: as for the records.",
    ["partition"],
)
CHATS: Final = Gauge(
    "chatfold_decider_waiting_chats",
    "Chats that wait for a timer. Grows without traffic: timers do not fire.",
    ["partition"],
)
