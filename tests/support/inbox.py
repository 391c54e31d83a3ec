"""An inbox partition in memory, decided by real batches; a crash loses what was not committed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiokafka import ConsumerRecord

from schemas import codec, envelope
from schemas.envelope import Record, Recorded
from schemas.facts import Fact
from schemas.inputs import Input
from schemas.topics import Topics
from schemas.work import Order
from streams.batch import POSITION, Batch, Place
from streams.decide import snapshot
from streams.decide.policy import Policy
from streams.decide.state import ChatState
from tests.support import story

TOPICS = Topics("test")
HERE = Place(0, 1)


@dataclass
class CommittedMemory:
    """What a restore would find: states as bytes, ids with their times."""

    chats: dict[str, bytes] = field(default_factory=dict)
    ids: dict[bytes, datetime] = field(default_factory=dict)

    def chat(self, chat_id: str) -> ChatState | None:
        raw = self.chats.get(chat_id)
        return None if raw is None else snapshot.decode(raw)

    def seen_at(self, ids: Sequence[bytes]) -> list[datetime | None]:
        return [self.ids.get(one) for one in ids]


@dataclass
class Inbox:
    """Append inputs; `decide` takes the next ones; what is committed can be read."""

    here: Place = HERE
    policy: Policy = field(default_factory=story.policy)
    window: timedelta = timedelta(days=7)
    log: list[Record] = field(default_factory=list)
    position: int = 0
    memory: CommittedMemory = field(default_factory=CommittedMemory)
    committed: dict[str, list[Record]] = field(default_factory=dict)
    told: list[tuple[int, Record]] = field(default_factory=list)
    """Inputs for this and other partitions, to be taken by whoever has all of them."""

    def append(self, recorded: Recorded[Input]) -> None:
        self.log.append(envelope.encode(recorded))

    def append_bytes(self, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        self.log.append(Record(b"key", value, headers))

    def decide(self, count: int, *, crash: bool = False) -> None:
        records = self._next(count)
        batch = Batch(TOPICS, self.here, lambda tenant: self.policy, self.memory, self.window)
        batch.read(records)
        batch.decide()
        changes = batch.finish(self.position + len(records))
        if crash:
            return
        self.position += len(records)
        for place, written in batch.outputs.items():
            self.committed.setdefault(place.topic, []).extend(written)
            if place.topic == TOPICS.inbox:
                self.told.extend((place.partition, record) for record in written)
        self.memory.ids |= changes.seen
        self.memory.chats |= {
            key.decode(): value for key, value in changes.values.items() if value is not None
        }

    def drain(self, batch: int = 100) -> None:
        while self.position < len(self.log):
            self.decide(batch)

    @property
    def facts(self) -> list[Recorded[Fact]]:
        return self._read(TOPICS.events, codec.FACTS)

    @property
    def orders(self) -> list[Recorded[Order]]:
        every = (TOPICS.work_delivery, TOPICS.work_reply, TOPICS.work_media)
        return [one for topic in every for one in self._read(topic, codec.ORDERS)]

    @property
    def states(self) -> dict[str, bytes]:
        kept = self.memory.chats.items()
        return {key: value for key, value in kept if key.encode() != POSITION}

    @property
    def dead_letters(self) -> list[Record]:
        return self.committed.get(TOPICS.dead_letters, [])

    def written(self, topic: str) -> list[Record]:
        return self.committed.get(topic, [])

    def _read(self, topic, types):
        written = self.written(topic)
        return [envelope.decode(types, value=r.value, headers=r.headers) for r in written]

    def _next(self, count: int) -> list[ConsumerRecord]:
        taken = self.log[self.position : self.position + count]
        return [
            _consumed(record, offset) for offset, record in enumerate(taken, start=self.position)
        ]


def _consumed(record: Record, offset: int) -> ConsumerRecord:
    return ConsumerRecord(
        topic=TOPICS.inbox,
        partition=0,
        offset=offset,
        timestamp=0,
        timestamp_type=0,
        key=record.key,
        value=record.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple(record.headers),
    )
