"""What operators do, whatever they do it with: the HTTP API, the command line.

They read the tables; every action is an input in the log that says who did it.
"""

from chatfold.operations.asking import Asked, Asker
from chatfold.operations.cursors import BadCursor
from chatfold.operations.desk import Batch, Desk
from chatfold.operations.links import Links
from chatfold.operations.lists import Lists, Page, Unknown
from chatfold.operations.retryable import NotRetryable
from chatfold.operations.tables import Tables, TablesAway

__all__ = [
    "Asked",
    "Asker",
    "BadCursor",
    "Batch",
    "Desk",
    "Links",
    "Lists",
    "NotRetryable",
    "Page",
    "Tables",
    "TablesAway",
    "Unknown",
]
