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
    "Orders begun, those that wait for their turn too. Stays at its limit: the provider or the "
    "ledger is slow, or away.",
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
    "Orders that could not be handled. Any: `chatfold dead-letters list` says which and why.",
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
RETRIES: Final = Counter(
    "chatfold_delivery_retries_total",
    "Ended send attempts that were not a reply's first. Many: look at the codes of the sends.",
    ["provider", "outcome"],
)
WAITING: Final = Gauge(
    "chatfold_delivery_waiting_orders",
    "Orders waiting for a turn of their `chat` or `account`, or for a place among the `sends`. "
    "Stays high: accounts send as fast as they may; `sends`: a provider is slow.",
    ["of"],
)
WAITED: Final = Histogram(
    "chatfold_delivery_wait_seconds",
    "How long orders that had to wait waited. Rises: raise the account's limits if its provider "
    "allows more.",
    ["provider", "of"],
    buckets=_SECONDS,
)
SENT_BACK: Final = Counter(
    "chatfold_delivery_sent_back_total",
    "Orders not sent, to come again later: the line was too long, or the account is `stopped`. "
    "Rises: as for the waiting orders; `stopped`: renew the account's access.",
    ["provider", "cause"],
)
STOPPED: Final = Gauge(
    "chatfold_delivery_stopped_accounts",
    "Accounts that rest because the provider refused them again and again. Any: the agent's log "
    "names them; renew their access.",
    ["provider"],
)
BREAKS: Final = Counter(
    "chatfold_delivery_account_stops_total",
    "Accounts that began to rest. Rises: an account works and fails in turn; look at its codes.",
    ["provider"],
)
THOUGHTS: Final = Counter(
    "chatfold_assistant_jobs_total",
    "Ended attempts at jobs of models, `done` or by why they failed. Many failures: look the "
    "code up among the job failures; `throttled` without calls: the tenant's line is full.",
    ["kind", "outcome"],
)
THOUGHT_SECONDS: Final = Histogram(
    "chatfold_assistant_job_seconds",
    "From taking an order to its report, with the wait for a seat. Rises above the seconds of "
    "the models' calls: orders wait, see the next.",
    ["kind"],
    buckets=(*_SECONDS, 60, 120, 300, 600),
)
THOUGHTS_WAITING: Final = Gauge(
    "chatfold_assistant_waiting_orders",
    "Orders that wait for one of their tenant's seats. Stays high: its model is slow; take a "
    "faster one, or add agents.",
)
THOUGHTS_REPEATED: Final = Counter(
    "chatfold_assistant_repeats_total",
    "Orders that came again. `finished` and `joined` cost nothing; `unfinished` asks the model "
    "again: agents are killed, or stopped while they ask.",
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
MEDIA_JOBS: Final = Counter(
    "chatfold_media_jobs_total",
    "Ended attempts at jobs on files, by what prevented them. Many of one code: its advice is in "
    "the table of job failures.",
    ["kind", "code"],
)
MEDIA_SECONDS: Final = Histogram(
    "chatfold_media_job_seconds",
    "From an order to its report, waiting included. Rises: see what waits.",
    ["kind"],
    buckets=(*_SECONDS, 60, 120, 300),
)
MEDIA_WAITING: Final = Gauge(
    "chatfold_media_waiting_orders",
    "Orders that wait for a place among the `downloads` or the calls to `models`, or for `room` in "
    "memory. Stays high: somebody is slow; `room`: large files, so add another process.",
    ["of"],
)
FETCH_SECONDS: Final = Histogram(
    "chatfold_media_fetch_seconds",
    "Fetching one file. Rises: the provider or the network is slow, or files are large.",
    ["provider"],
    buckets=(*_SECONDS, 60, 120),
)
STORED_BYTES: Final = Histogram(
    "chatfold_media_stored_bytes",
    "Sizes of the files that were stored, those known before too. Rises: mind the storage.",
    ["provider"],
    buckets=(10_000, 100_000, 1_000_000, 5_000_000, 20_000_000, 100_000_000),
)
THUMBNAILS: Final = Counter(
    "chatfold_media_thumbnails_total",
    "Thumbnails made, and by code those that could not be: such files are kept without one.",
    ["code"],
)
REUSED: Final = Counter(
    "chatfold_media_reused_total",
    "Answers of models that were there already, so that nobody was paid. Rises: nothing to do.",
    ["kind"],
)
