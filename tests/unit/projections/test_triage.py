"""What must hold before a position moves."""

from dataclasses import dataclass

import pytest
from aiokafka import TopicPartition

from projections.registry import TABLES
from projections.triage import Triage
from schemas import envelope
from schemas.envelope import Recorded
from tests.support import facts


@dataclass
class Logged:
    """A record as the consumer gives it."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]
    offset: int
    timestamp: int = 0


class Rows:
    """A store that takes everything."""

    def prepare(self, batch):
        return list(batch)


@dataclass
class Letters:
    """Dead letters of which one chat's are waited for."""

    chat_id: str

    @property
    def store(self) -> "Letters":
        return self

    async def waiting(self, topic: str, partition: int) -> frozenset[bytes]:
        return frozenset({self.chat_id.encode()})


def logged(log: list[Recorded]) -> list[Logged]:
    found = map(envelope.encode, log)
    return [Logged(one.key, one.value, one.headers, n) for n, one in enumerate(found)]


def triage() -> Triage:
    return Triage("tables", TopicPartition("events", 0), TABLES.decode, Rows(), None)


async def test_every_record_becomes_rows_or_waits() -> None:
    log = facts.log(1, chats=2, facts=20)
    batch = await triage().sort(logged(log))
    assert batch.prepared == log
    assert batch.parked == []


async def test_facts_of_a_chat_that_waits_wait_behind_it_and_all_others_become_rows() -> None:
    log = facts.log(1, chats=3, facts=30)
    chat = log[0].chat_id
    sorting = Triage("tables", TopicPartition("events", 0), TABLES.decode, Rows(), Letters(chat))
    await sorting.load()
    batch = await sorting.sort(logged(log))
    assert batch.prepared == [one for one in log if one.chat_id != chat]
    assert [one.offset for one in batch.parked] == [
        offset for offset, one in enumerate(log) if one.chat_id == chat
    ]


async def test_the_position_cannot_pass_what_neither_becomes_rows_nor_waits() -> None:
    log = facts.log(1, chats=2, facts=20)
    found = logged(log)
    with pytest.raises(AssertionError, match="the position would pass the rest"):
        triage()._batch(log[1:], found, [])
