"""Deciding a batch of one partition: pure work on a store that is only read."""

import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.partitioner import murmur2

from schemas import awaited, codec, envelope, identity
from schemas.dead_letters import dead_letter
from schemas.envelope import Position, Recorded
from schemas.inputs import AutoResume, Input, WebhookUnrouted
from schemas.letters import Letter, Letterhead, letter
from schemas.topics import Topics
from schemas.work import Order, ProcessMedia, SendMessage
from streams import metrics, parking, seen, waiting
from streams.alarms import Due
from streams.decide import dedupe, snapshot
from streams.decide.chat import decide
from streams.decide.draft import SOURCE, Decision
from streams.decide.policy import Policy
from streams.decide.state import ChatState
from streams.decide.timers import next_due
from streams.state import Changes

POSITION: Final = b"position"
_SOURCE: Final = SOURCE.encode()

Policies = Callable[[str], Policy | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A partition, and how many there are."""

    partition: int
    partitions: int


class Memory(Protocol):
    """What the batch reads: the committed state of its partition."""

    def chat(self, chat_id: str) -> ChatState | None:
        """The chat's committed state."""

    def seen_at(self, ids: Sequence[bytes]) -> list[datetime | None]:
        """When each id was decided."""


@dataclass(slots=True)
class Batch:
    """What the inputs of one transaction lead to, before any of it is written."""

    topics: Topics
    place: Place
    policies: Policies
    memory: Memory
    window: timedelta
    arrived: list[tuple[ConsumerRecord, Recorded[Input]]] = field(default_factory=list)
    states: dict[str, ChatState] = field(default_factory=dict)
    dues: dict[str, Due | None] = field(default_factory=dict)
    seen: dict[bytes, datetime] = field(default_factory=dict)
    results: Counter[tuple[str, str]] = field(default_factory=Counter)
    fact_types: Counter[str] = field(default_factory=Counter)
    parked: dict[bytes, bytes | None] = field(default_factory=dict)
    outputs: dict[TopicPartition, list[Letter]] = field(default_factory=lambda: defaultdict(list))
    written: dict[str, list[Letter]] = field(default_factory=dict)
    """The outputs of our own partition, by topic."""

    def read(self, records: Sequence[ConsumerRecord]) -> None:
        """Decode `records`; what cannot be decoded is a dead letter."""
        for record in records:
            recorded = self._decoded(record)
            if recorded is not None:
                self.arrived.append((record, recorded))

    def unknown_tenants(self) -> set[str]:
        """The tenants of these inputs that the policies do not know."""
        tenants = {told.tenant for _, told in self.arrived}
        unknown = {name for name in tenants if self.policies(name) is None}
        if not unknown:
            return unknown
        routed = (told for _, told in self.arrived if not isinstance(told.data, WebhookUnrouted))
        return unknown & {told.tenant for told in routed}

    def decide(self) -> None:
        """Decide what was read, in its order."""
        ids = [recorded.id.encode() for _, recorded in self.arrived]
        known = self.memory.seen_at(ids)
        for (record, recorded), key, seen_at in zip(self.arrived, ids, known, strict=True):
            self._once(record, recorded, key, self.seen.get(key) or seen_at)

    def tell(self, recorded: Recorded[Input]) -> None:
        """Append an input to the inbox, wherever its chat is."""
        record = letter(envelope.encode(recorded))
        partition = (murmur2(record.key) & 0x7FFFFFFF) % self.place.partitions
        self.outputs[TopicPartition(self.topics.inbox, partition)].append(record)

    def finish(self, offset: int) -> Changes:
        """Add the changelog records, the position `offset` among them; what they change."""
        values: dict[bytes, bytes | None] = dict(self.parked)
        for chat_id, state in self.states.items():
            values[chat_id.encode()] = snapshot.encode(state, self.dues[chat_id])
        values[POSITION] = b"%d" % offset
        self._here(self.topics.chat_state).extend(
            Letter(key, value) for key, value in values.items()
        )
        if self.seen:
            self._here(self.topics.seen).append(seen.together(self.seen))
        return Changes(values, self.seen)

    def measure(self) -> None:
        """Count what this batch did; called once it is committed."""
        for (kind, result), count in self.results.items():
            metrics.INPUTS.labels(kind, result).inc(count)
        for kind, count in self.fact_types.items():
            metrics.FACTS.labels(kind).inc(count)

    def _decoded(self, record: ConsumerRecord) -> Recorded[Input] | None:
        try:
            return envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)
        except codec.Undecodable as error:
            self._bury(record, str(error))
            return None

    def _once(
        self,
        record: ConsumerRecord,
        recorded: Recorded[Input],
        key: bytes,
        seen_at: datetime | None,
    ) -> None:
        if dedupe.is_remembered(seen_at, now=recorded.time, window=self.window):
            self._count(recorded.data.type, "duplicate")
            return
        if self._is_decided(record, recorded):
            self.seen[key] = recorded.time

    def _is_decided(self, record: ConsumerRecord, recorded: Recorded[Input]) -> bool:
        """Whether this partition is done with the input, so that it is a repeat from now on.

        It is not if another chat is to decide it, or if it is a dead letter: that can be replayed.
        """
        if isinstance(recorded.data, WebhookUnrouted):
            key, value = parking.park(recorded, recorded.data)
            self.parked[key] = value
            self._count(recorded.data.type, "parked")
            return True
        policy = self.policies(recorded.tenant)
        if policy is None:
            return self._is_dealt_with(record, recorded)
        try:
            decision = decide(self._state(recorded), recorded, policy)
        except Exception as error:  # noqa: BLE001  # one bad input must not stop its partition
            self._bury(record, repr(error), traceback.format_exc())
            return False
        for told in decision.told:
            self.tell(told)
        if decision.is_passed_on:
            self._count(recorded.data.type, "passed_on")
            return False
        self._keep(recorded, decision, policy)
        return True

    def _is_dealt_with(self, record: ConsumerRecord, recorded: Recorded[Input]) -> bool:
        """Whether nothing is to come any more of the input of a tenant that is not configured."""
        if waiting.may_wait(recorded.data):
            key, value = waiting.wait(record, recorded.tenant)
            self.parked[key] = value
            self._count(recorded.data.type, "waiting")
            return False
        if isinstance(recorded.data, AutoResume):  # comes again and again, and asks for nothing now
            self._count(recorded.data.type, "without_tenant")
            return True
        self._bury(record, f"tenant {recorded.tenant!r} is not configured")
        return False

    def _state(self, recorded: Recorded[Input]) -> ChatState:
        chat_id = recorded.chat_id
        return (
            self.states.get(chat_id)
            or self.memory.chat(chat_id)
            or ChatState(chat_id, recorded.tenant)
        )

    def _keep(self, cause: Recorded[Input], decision: Decision, policy: Policy) -> None:
        self._count(cause.data.type, "decided")
        state = decision.state
        self.states[cause.chat_id] = state
        self.dues[cause.chat_id] = next_due(state, policy)
        if decision.facts or decision.orders:
            self._write(_letterhead(cause, decision.now), cause.id, decision)

    def _write(self, letterhead: Letterhead, cause_id: str, decision: Decision) -> None:
        sequence = decision.state.sequence - len(decision.facts)
        events = self._here(self.topics.events)
        for index, fact in enumerate(decision.facts):
            fact_id = identity.fact_id(cause_id, index)
            events.append(letterhead.letter(fact_id, fact, sequence + index + 1))
            self.fact_types[fact.type] += 1
        for index, order in enumerate(decision.orders):
            order_id, waits = identity.order_id(cause_id, index), str(awaited.of(order)).encode()
            told = letterhead.letter(order_id, order, waits=waits)
            self._here(self._work_topic(order)).append(told)

    def _count(self, kind: str, result: str) -> None:
        self.results[kind, result] += 1

    def _here(self, topic: str) -> list[Letter]:
        records = self.written.get(topic)
        if records is None:
            place = TopicPartition(topic, self.place.partition)
            records = self.written[topic] = self.outputs[place]
        return records

    def _work_topic(self, order: Order) -> str:
        if isinstance(order, SendMessage):
            return self.topics.work_delivery
        is_media = isinstance(order, ProcessMedia)
        return self.topics.work_media if is_media else self.topics.work_reply

    def _bury(self, record: ConsumerRecord, reason: str, stack: str = "") -> None:
        self._count("any", "dead_letter")
        origin = Position(record.topic, record.partition, record.offset)
        dead = dead_letter(
            key=record.key,
            value=record.value,
            headers=record.headers,
            origin=origin,
            reason=reason,
            stack=stack,
        )
        self._here(self.topics.dead_letters).append(letter(dead))


def _letterhead(cause: Recorded[Input], now: datetime) -> Letterhead:
    return Letterhead(
        source=_SOURCE,
        chat_id=cause.chat_id,
        time=now,
        tenant=cause.tenant,
        causation_id=cause.id,
        correlation_id=cause.correlation_id,
        traceparent=cause.traceparent,
    )
