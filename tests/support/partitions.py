"""Several partitions of an inbox in memory: what one tells another arrives there."""

from collections.abc import Iterable

from aiokafka.partitioner import murmur2

from schemas import envelope
from schemas.envelope import Record, Recorded
from schemas.facts import Fact
from schemas.inputs import Input
from schemas.work import Order
from streams.batch import Place
from streams.decide import snapshot
from streams.decide.state import ChatState
from tests.support.inbox import Inbox


class Partitions:
    """Append inputs; `decide` takes the next ones of a partition, or crashes before it commits."""

    def __init__(self, count: int) -> None:
        self.inboxes = [Inbox(here=Place(number, count)) for number in range(count)]

    def append(self, recorded: Recorded[Input]) -> None:
        record = envelope.encode(recorded)
        self.inboxes[self._partition(record)].log.append(record)

    def repeat(self, which: int) -> None:
        """Append once more what was appended before."""
        records = self.records
        if records:
            record = records[which % len(records)]
            self.inboxes[self._partition(record)].log.append(record)

    def decide(self, partition: int, count: int, *, crash: bool = False) -> None:
        inbox = self.inboxes[partition % len(self.inboxes)]
        inbox.decide(count, crash=crash)
        for number, record in inbox.told:
            self.inboxes[number].log.append(record)
        inbox.told.clear()

    def drain(self, rounds: int = 100) -> None:
        """Decide everything; raises if there is no end to it."""
        for _ in range(rounds):
            waiting = [n for n, one in enumerate(self.inboxes) if one.position < len(one.log)]
            if not waiting:
                return
            for number in waiting:
                self.decide(number, 100)
        raise AssertionError("the chats tell each other things without end")

    @property
    def records(self) -> list[Record]:
        return [record for inbox in self.inboxes for record in inbox.log]

    @property
    def facts(self) -> list[Recorded[Fact]]:
        return [fact for inbox in self.inboxes for fact in inbox.facts]

    @property
    def orders(self) -> list[Recorded[Order]]:
        return [order for inbox in self.inboxes for order in inbox.orders]

    @property
    def dead_letters(self) -> list[Record]:
        return [letter for inbox in self.inboxes for letter in inbox.dead_letters]

    @property
    def states(self) -> dict[str, ChatState]:
        found: Iterable[tuple[str, bytes]] = (
            one for inbox in self.inboxes for one in inbox.states.items()
        )
        return {chat: snapshot.decode(raw) for chat, raw in found}

    def _partition(self, record: Record) -> int:
        return (murmur2(record.key) & 0x7FFFFFFF) % len(self.inboxes)
