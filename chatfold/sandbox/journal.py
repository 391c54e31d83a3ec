"""A record of every request received, in bounded memory."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from chatfold.sandbox.faults import FaultKind
from schemas.content import Json

KEPT: Final = 100_000
COUNTED: Final = 1_000_000
SHOWN: Final = 100


@dataclass(slots=True, kw_only=True)
class Received:
    """One request as it came, and what became of it."""

    number: int
    received_at: datetime
    provider: str
    account: str
    method: str
    to: str | None = None
    text: str | None = None
    reference: str | None = None
    is_send: bool = False
    body: Json = field(default_factory=dict)
    fault: FaultKind | None = None
    status: int | None = None
    accepted: bool = False
    message_id: str | None = None

    def as_json(self) -> Json:
        """All of it."""
        return asdict(self)


class Journal:
    """The last requests, and counts of all."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries = deque[Received](maxlen=kept)
        self._received = 0
        self._number = 0
        self._accepted = Counter[str]()
        self._faults = Counter[str]()
        self._references = Counter[str]()
        self._texts = Counter[str]()

    def next_number(self) -> int:
        """A number for the next request; it goes on after `clear`."""
        self._number += 1
        return self._number

    def add(self, received: Received) -> None:
        """Keep a request whose fate is known."""
        self._entries.append(received)
        self._received += 1
        if received.fault:
            self._faults[received.fault] += 1
        if received.accepted and received.is_send:
            self._accepted[received.provider] += 1
            _count(self._references, received.reference)
            _count(self._texts, f"{received.provider}/{received.to}/{received.text}")

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._received = 0
        for counter in (self._accepted, self._faults, self._references, self._texts):
            counter.clear()

    def find(self, *, since: int = 0, **wanted: str) -> Iterator[Received]:
        """Requests numbered above `since` whose named fields are as wanted, oldest first."""
        for entry in self._entries:
            if entry.number > since and all(
                str(getattr(entry, name)) == value for name, value in wanted.items()
            ):
                yield entry

    def summary(self) -> Json:
        """Counts: messages taken, by reference and by text, and which were taken twice."""
        return {
            "received": self._received,
            "accepted": self._accepted.total(),
            "accepted_by_provider": dict(self._accepted),
            "references": len(self._references),
            "doubled_references": _more_than_one(self._references),
            "texts": len(self._texts),
            "doubled_texts": _more_than_one(self._texts),
            "faults": dict(self._faults),
            "complete": max(len(self._references), len(self._texts)) < COUNTED,
        }


def _count(counter: Counter[str], name: str | None) -> None:
    if name is not None and (len(counter) < COUNTED or name in counter):
        counter[name] += 1


def _more_than_one(counter: Counter[str]) -> dict[str, int]:
    return {name: times for name, times in counter.most_common(SHOWN) if times > 1}
