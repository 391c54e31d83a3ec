"""The effect ledger: a side effect is begun at most once, and how it ended is kept."""

from chatfold.ledger.leases import PostgresLeases
from chatfold.ledger.ledger import PostgresLedger, new_run_id

__all__ = ["PostgresLeases", "PostgresLedger", "new_run_id"]
