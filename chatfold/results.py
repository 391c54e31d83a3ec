"""The log as agents see it."""

from collections.abc import Sequence

from chatfold.eventlog import AppendFailed, EventLog
from schemas.envelope import Record
from streams.ports import Unavailable


class Results:
    """Appends what agents report; whatever prevents it, they try again."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def append(self, topic: str, records: Sequence[Record], timeout: float) -> None:
        """Return when all records are in the log for good; raises `Unavailable`."""
        try:
            await self._log.append(topic, records, timeout)
        except AppendFailed as error:
            raise Unavailable(str(error)) from error
