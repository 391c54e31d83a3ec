"""What comes for a tenant that is not configured waits in its order, and is decided once it is."""

from datetime import timedelta
from pathlib import Path

import pytest

from schemas import codec, envelope, identity
from schemas.content import SendOutcome
from schemas.inputs import (
    AutoResume,
    CloseConversation,
    Input,
    PauseChat,
    ResumeChat,
    RetryDelivery,
    SendReported,
    Timer,
)
from streams import wakeups
from streams.batch import Batch
from streams.memory import PartitionMemory
from streams.state import ChatStore
from tests.support import story, webhooks
from tests.support.inbox import HERE, TOPICS, _consumed

WINDOW = timedelta(days=7)
CHAT = story.CHAT


class Partition:
    """A partition with a real store, whose tenants come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_known = True
        self.offset = 0
        self.now = webhooks.T0
        self.told: list = []
        self.letters: list = []
        self.facts: list[str] = []
        self.heard: list[str] = []
        self.memory = PartitionMemory(ChatStore(folder, WINDOW), (0, 0), 100)

    def policies(self, tenant: str):
        return story.policy() if self.is_known else None

    def restart(self) -> None:
        self.memory.close(clean=False)
        self.memory = PartitionMemory(ChatStore(self.folder, WINDOW), (0, 0), 100)

    def turn(self, *inputs) -> None:
        """One batch: what is given and what was told before is decided."""
        records = [envelope.encode(one) for one in inputs] + self.told
        consumed = [_consumed(one, self.offset + n) for n, one in enumerate(records)]
        self.offset += len(records)
        batch = Batch(TOPICS, HERE, self.policies, self.memory, WINDOW)
        batch.read(consumed)
        batch.decide()
        wakeups.add(batch, self.memory, self.now, lambda *_: None)
        changes = batch.finish(self.offset)
        self.memory.keep(batch, changes, (0, 0))
        written = {place.topic: records for place, records in batch.outputs.items()}
        self.told = written.get(TOPICS.inbox, [])
        self.letters += written.get(TOPICS.dead_letters, [])
        for one in written.get(TOPICS.events, []):
            fact = envelope.decode(codec.FACTS, value=one.value, headers=one.headers)
            self.facts.append(type(fact.data).__name__)
            self.heard += [fact.data.content.text] if self.facts[-1] == "MessageReceived" else []

    def until_quiet(self) -> None:
        self.turn()
        while self.told:
            self.turn()


@pytest.fixture
def partition(tmp_path: Path) -> Partition:
    return Partition(tmp_path)


def says(words: str, number: int):
    said = webhooks.text(words, wamid=f"wamid.{number}")
    return webhooks.inputs(webhooks.body(said))[0]


def wanted(data: Input, name: str):
    return story.Story().told(data, name)


def sent(reply_id: str):
    report = SendReported(
        reply_id=reply_id,
        attempt=1,
        outcome=SendOutcome.SENT,
        started_at=webhooks.T0,
        finished_at=webhooks.T0,
        platform_message_id="wamid.out",
    )
    return wanted(report, identity.report_id(reply_id=reply_id, attempt=1))


def reply_id(partition: Partition) -> str:
    return partition.memory.chat(CHAT).outbox[0].reply_id


def test_a_report_that_comes_after_the_removal_is_decided_when_the_tenant_is_back(partition):
    partition.turn(says("Hello", 1))
    partition.is_known = False
    partition.turn(sent(reply_id(partition)))
    partition.until_quiet()
    assert "MessageSent" not in partition.facts
    assert partition.letters == []
    partition.is_known = True
    partition.until_quiet()
    assert partition.facts.count("MessageSent") == 1
    assert partition.memory.chat(CHAT).outbox == ()
    assert not any(partition.memory.waiting.values())


def test_what_waits_outlives_a_restart_and_comes_in_its_order(partition):
    partition.turn(says("Hello", 1))
    partition.is_known = False
    for number in range(2, 14):
        partition.turn(says(f"number {number}", number))
    partition.restart()
    partition.is_known = True
    partition.until_quiet()
    assert partition.heard == ["Hello", *(f"number {number}" for number in range(2, 14))]


def test_what_came_twice_while_it_waited_is_decided_once(partition):
    partition.is_known = False
    partition.turn(says("Hello", 1))
    partition.turn(says("Hello", 1))
    partition.is_known = True
    partition.until_quiet()
    assert partition.facts.count("MessageReceived") == 1


def test_timers_of_a_removed_tenant_do_not_fire_and_are_not_forgotten(partition):
    partition.turn(says("Hello", 1))
    partition.turn(sent(reply_id(partition)))
    partition.is_known = False
    partition.now += timedelta(hours=25)
    partition.until_quiet()
    partition.until_quiet()
    assert partition.told == []
    assert partition.memory.resting == {webhooks.TENANT: {CHAT: partition_due(partition)}}
    partition.is_known = True
    partition.until_quiet()
    assert partition.facts[-1] == "ConversationClosed"


def test_timers_of_a_removed_tenant_are_not_forgotten_over_a_restart(partition):
    partition.turn(says("Hello", 1))
    partition.turn(sent(reply_id(partition)))
    partition.is_known = False
    partition.now += timedelta(hours=25)
    partition.until_quiet()
    partition.restart()
    partition.until_quiet()
    partition.is_known = True
    partition.until_quiet()
    assert partition.facts[-1] == "ConversationClosed"


def partition_due(partition: Partition):
    return (webhooks.T0 + timedelta(hours=24), Timer.IDLE_CLOSE)


@pytest.mark.parametrize(
    "wish",
    [
        CloseConversation(by="ada"),
        PauseChat(by="ada"),
        ResumeChat(by="ada"),
        RetryDelivery(reply_id="r", by="ada"),
    ],
)
def test_what_an_operator_wants_of_a_removed_tenant_is_not_done_weeks_later(partition, wish):
    partition.turn(says("Hello", 1))
    partition.is_known = False
    partition.turn(wanted(wish, "wish"))
    assert len(partition.letters) == 1
    assert b"is not configured" in dict(partition.letters[0].headers)["dl_reason"]
    partition.is_known = True
    facts = list(partition.facts)
    partition.until_quiet()
    assert partition.facts == facts


def test_an_auto_resume_of_a_removed_tenant_asks_for_nothing(partition):
    partition.turn(says("Hello", 1))
    partition.is_known = False
    partition.turn(wanted(AutoResume(by="cron"), "cron"))
    assert partition.letters == []
    assert not any(partition.memory.waiting.values())
