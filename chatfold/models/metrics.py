"""Figures of what models are asked; each help text says what to do when it rises."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

CALLS: Final = Counter(
    "chatfold_models_calls_total",
    "Calls of models by how they ended. Many that are not `answered` or `ended_early`: look the "
    "outcome up among the job failures; `ended_early`: raise `answer_tokens`.",
    ["operation", "provider", "outcome"],
)
SECONDS: Final = Histogram(
    "chatfold_models_call_seconds",
    "From a call to the end of its answer. Rises: the service is slow; take a smaller model, or "
    "lower `timeout_seconds` so that the fallback comes sooner.",
    ["operation", "provider"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
)
TOKENS: Final = Counter(
    "chatfold_models_tokens_total",
    "Tokens that services counted, `in` and `out`. Rises faster than the messages: lower "
    "`context_tokens` or `answer_tokens`.",
    ["operation", "provider", "direction"],
)
COST: Final = Counter(
    "chatfold_models_cost_dollars_total",
    "US dollars by the tenants' prices. Rises faster than the messages: as for the tokens; the "
    "tables tell whose chats cost most.",
    ["operation", "provider"],
)
UNDER_WAY: Final = Gauge(
    "chatfold_models_calls_under_way",
    "Calls whose answer is awaited. Stays high: a service is slow or hangs.",
    ["operation"],
)
