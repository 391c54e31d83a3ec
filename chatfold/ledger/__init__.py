"""The effect ledger: a side effect is begun at most once, and how it ended is kept."""

from chatfold.ledger.ledger import PostgresLedger, new_run_id

__all__ = ["PostgresLedger", "new_run_id"]
