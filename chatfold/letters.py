"""What the dead-letter topic says: letters, and what has become of each; pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from aiokafka import ConsumerRecord

from projections.parked_facts import PoisonFact
from schemas import codec
from schemas.dead_letters import (
    ORIGIN,
    PROJECTION,
    REASON,
    REPLAYED,
    REPORTED,
    STACK,
    LetterSettled,
)
from schemas.envelope import Headers, Record
from schemas.topics import Topics

Name = tuple[str, str | None]
"""The origin of a letter, and the projection that it concerns."""


class Kind(StrEnum):
    """What has become a dead letter."""

    INPUT = "inputs"
    ORDER = "orders"
    FACT = "facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A dead letter; `waits` if its chat's facts wait behind it, `behind` is how many do.

    `settled` is what was done with it at last. `reported` is what its chat was told to have failed
    by it. `replayed_from` is the origin of the letter that it was before it was replayed.
    """

    origin: str
    projection: str | None
    time: datetime
    type: str
    chat_id: str
    reason: str
    waits: bool
    behind: int
    stack: str
    value: bytes
    is_open: bool
    settled: LetterSettled | None = None
    reported: str | None = None
    replayed_from: str | None = None
    record: Record | None = None

    @property
    def topic(self) -> str:
        """Where it came from."""
        return self.origin.rpartition("/")[0].rpartition("/")[0]

    def kind(self, topics: Topics) -> Kind | None:
        """What it is; None for what came from a topic that is not read by these roles."""
        if self.projection is not None:
            return Kind.FACT
        orders = {topics.work_delivery, topics.work_reply, topics.work_media}
        known = {topics.inbox: Kind.INPUT} | dict.fromkeys(orders, Kind.ORDER)
        return known.get(self.topic)


def told(
    records: Iterable[ConsumerRecord],
    waiting: Mapping[Name, PoisonFact],
    unknown: Collection[str] | None = (),
) -> list[Letter]:
    """Every letter, the oldest first; one that was told twice only once.

    A fact is open while it waits, or if nobody can tell as its projection is `unknown`; None: as
    all are. All else is open until somebody has settled it.
    """
    settled: dict[Name, LetterSettled] = {}
    found: dict[Name, ConsumerRecord] = {}
    for record in records:
        headers = _text(record)
        if headers.get("ce_type") == LetterSettled.type:
            one = codec.decode(LetterSettled, record.value or b"")
            settled[one.origin, one.projection] = one
        else:
            found[headers.get(ORIGIN, ""), headers.get(PROJECTION)] = record
    letters = [_letter(one, name, waiting, settled, unknown) for name, one in found.items()]
    letters += [_of_fact(one) for name, one in waiting.items() if name not in found]
    return sorted(letters, key=lambda letter: letter.time)


def name_of(fact: PoisonFact) -> Name:
    """What its letter is known by."""
    return fact.origin, fact.projection


def _letter(
    record: ConsumerRecord,
    name: Name,
    waiting: Mapping[Name, PoisonFact],
    settled: Mapping[Name, LetterSettled],
    unknown: Collection[str] | None,
) -> Letter:
    headers, fact = _text(record), waiting.get(name)
    origin, projection = name
    is_known = unknown is not None and projection not in unknown
    is_settled = name in settled if projection is None else is_known
    return Letter(
        origin=origin,
        projection=projection,
        time=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        type=headers.get("ce_type", "?"),
        chat_id=headers.get("ce_subject", "?"),
        reason=headers.get(REASON, ""),
        waits=fact is not None,
        behind=fact.behind if fact is not None else 0,
        stack=headers.get(STACK, ""),
        value=record.value or b"",
        is_open=fact is not None or not is_settled,
        settled=settled.get(name),
        reported=headers.get(REPORTED),
        replayed_from=headers.get(REPLAYED),
        record=Record(record.key or b"", record.value, _headers(record)),
    )


def _of_fact(fact: PoisonFact) -> Letter:
    """What waits without a letter: its poison was found in a replay."""
    return Letter(
        origin=fact.origin,
        projection=fact.projection,
        time=fact.parked_at,
        type="?",
        chat_id=fact.key.decode(errors="replace"),
        reason=fact.reason,
        waits=True,
        behind=fact.behind,
        stack="",
        value=b"",
        is_open=True,
    )


def _text(record: ConsumerRecord) -> dict[str, str]:
    return {name: value.decode(errors="replace") for name, value in record.headers if value}


def _headers(record: ConsumerRecord) -> Headers:
    return list(record.headers)
