"""Every operation of the API as a table: its address, what it takes and gives, what it does."""

from typing import Final

from chatfold.api import chats, deliveries, files, jobs, search, tenants
from chatfold.api.calls import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *deliveries.OPERATIONS,
    *jobs.OPERATIONS,
    *chats.OPERATIONS,
    *files.OPERATIONS,
    *search.OPERATIONS,
    *tenants.OPERATIONS,
)
"""In the order in which they are tried: what is literal before what has a name in it."""
