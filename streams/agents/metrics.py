"""The agents' metrics; each help text says what to do when it rises."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)

LAG: Final = Gauge(
    "chatfold_agent_lag_records",
    "Orders not yet done. Grows: the provider is slow or the ledger is away, else add an agent.",
    ["agent", "partition"],
)
LAG_SECONDS: Final = Gauge(
    "chatfold_agent_lag_seconds",
    "Age of the oldest order in hand. Rises: as for the records.",
    ["agent", "partition"],
)
IN_FLIGHT: Final = Gauge(
    "chatfold_agent_in_flight_orders",
    "Orders being handled. Stays at its limit: the provider or the ledger is slow, or away.",
    ["agent"],
)
HELD: Final = Gauge(
    "chatfold_agent_held_orders",
    "Orders taken and not yet acknowledged. Stays high: one slow order holds back the others' "
    "offsets; they are done all the same.",
    ["agent"],
)
DEAD_LETTERS: Final = Counter(
    "chatfold_agent_dead_letters_total",
    "Orders that could not be handled. Any: read the dead-letter topic.",
    ["agent", "cause"],
)
SENDS: Final = Counter(
    "chatfold_delivery_sends_total",
    "Ended send attempts. Many `failed` or `saved_only`: look at the code, and the failed sends.",
    ["provider", "outcome", "code"],
)
SEND_SECONDS: Final = Histogram(
    "chatfold_delivery_send_seconds",
    "From the call to the provider to its answer. Rises: the provider or the network is slow.",
    ["provider"],
    buckets=_SECONDS,
)
REPEATS: Final = Counter(
    "chatfold_delivery_repeats_total",
    "Orders that came again. `finished` and `joined` are harmless; many `unfinished`: agents are "
    "killed or frozen while they send.",
    ["was"],
)
END_TO_END: Final = Histogram(
    "chatfold_end_to_end_seconds",
    "From a webhook's arrival to the provider taking its reply. Rises: compare the lags of the "
    "roles to find which is behind.",
    ["provider"],
    buckets=(*_SECONDS, 60, 300, 1800),
)
ANSWERS: Final = Counter(
    "chatfold_assistant_answers_total",
    "Answered questions. Many `error`: what is asked does not answer, see the agent's log.",
    ["question", "result"],
)
ANSWER_SECONDS: Final = Histogram(
    "chatfold_assistant_answer_seconds",
    "Finding one answer. Rises: what is asked is slow.",
    ["question"],
    buckets=_SECONDS,
)
