"""Which chats want to be woken, and when; one partition's due times."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime

from schemas.inputs import Timer

Due = tuple[datetime, Timer]


@dataclass(slots=True)
class Alarms:
    """The next due time of each chat.

    A due time that moves later is not moved in the heap: the old entry is met first and
    put back, so that a chat with a thousand messages has one entry, not a thousand.
    """

    _due: dict[str, Due] = field(default_factory=dict)
    _heap: list[tuple[datetime, str]] = field(default_factory=list)

    def set(self, chat_id: str, due: Due | None) -> None:
        """The chat wants to be woken at `due`, or not at all."""
        before = self._due.pop(chat_id, None)
        if due is None:
            return
        self._due[chat_id] = due
        if before is None or due[0] < before[0]:
            heapq.heappush(self._heap, (due[0], chat_id))

    def next(self) -> datetime | None:
        """A time before which nothing is due."""
        return self._heap[0][0] if self._heap else None

    def take(self, now: datetime, limit: int) -> list[tuple[str, Due]]:
        """Up to `limit` chats whose time has come; each is taken once."""
        taken: list[tuple[str, Due]] = []
        while self._heap and self._heap[0][0] <= now and len(taken) < limit:
            _, chat_id = heapq.heappop(self._heap)
            due = self._due.get(chat_id)
            if due is None:
                continue
            if due[0] > now:
                heapq.heappush(self._heap, (due[0], chat_id))
            else:
                del self._due[chat_id]
                taken.append((chat_id, due))
        return taken

    def __len__(self) -> int:
        return len(self._due)
