"""The names and settings of every topic and consumer group; a literal elsewhere is a bug."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

MAX_MESSAGE_BYTES: Final = 4 * 1024 * 1024
FOREVER: Final = -1


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as `chatfold topics apply` creates it; retention in ms, -1 = for ever."""

    name: str
    retention_ms: int = FOREVER
    compacted: bool = False

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings of this topic."""
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
        }


def _days(days: float) -> int:
    return int(timedelta(days=days).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one deployment, whose first part is `prefix`."""

    prefix: str = "chatfold"

    @property
    def inbox(self) -> str:
        """What arrived: webhook items, commands, results of agents, timers."""
        return f"{self.prefix}.inbox.v1"

    @property
    def events(self) -> str:
        """What was decided: facts, numbered within each chat."""
        return f"{self.prefix}.events.v1"

    @property
    def work_delivery(self) -> str:
        """Orders to send a reply."""
        return f"{self.prefix}.work.delivery.v1"

    @property
    def work_reply(self) -> str:
        """Orders to find what a reply needs: the answer of a model, or to a question."""
        return f"{self.prefix}.work.reply.v1"

    @property
    def work_media(self) -> str:
        """Orders to fetch, store and read a message's file."""
        return f"{self.prefix}.work.media.v1"

    @property
    def chat_state(self) -> str:
        """The decider's state per chat, and the position it has reached."""
        return f"{self.prefix}.chat-state.v1"

    @property
    def seen(self) -> str:
        """Ids of inputs already decided."""
        return f"{self.prefix}.seen.v1"

    @property
    def tenants(self) -> str:
        """Tenants, their accounts and settings."""
        return f"{self.prefix}.tenants.v1"

    @property
    def dead_letters(self) -> str:
        """What could not be decided, with its origin and the reason."""
        return f"{self.prefix}.dead-letters.v1"

    def specs(self, *, dedupe_window_days: float = 7.0) -> tuple[TopicSpec, ...]:
        """Every topic with its settings; ids already seen outlive the window by a day."""
        return (
            TopicSpec(self.inbox, retention_ms=_days(30)),
            TopicSpec(self.events),
            TopicSpec(self.work_delivery, retention_ms=_days(30)),
            TopicSpec(self.work_reply, retention_ms=_days(30)),
            TopicSpec(self.work_media, retention_ms=_days(30)),
            TopicSpec(self.chat_state, compacted=True),
            TopicSpec(self.seen, retention_ms=_days(dedupe_window_days + 1)),
            TopicSpec(self.tenants, compacted=True),
            TopicSpec(self.dead_letters, retention_ms=_days(90)),
        )


@dataclass(frozen=True, slots=True)
class Groups:
    """The consumer groups of one deployment."""

    prefix: str = "chatfold"

    @property
    def decider(self) -> str:
        """Decides the inbox."""
        return f"{self.prefix}.decider"

    @property
    def delivery(self) -> str:
        """Sends replies."""
        return f"{self.prefix}.agent.delivery"

    @property
    def reply(self) -> str:
        """Finds what replies need."""
        return f"{self.prefix}.agent.reply"

    @property
    def media(self) -> str:
        """Fetches, stores and reads files."""
        return f"{self.prefix}.agent.media"

    @property
    def archiver(self) -> str:
        """Copies the log to the archive."""
        return f"{self.prefix}.archiver"

    def projection(self, name: str) -> str:
        """Shares out the partitions of a projection; positions live with its rows."""
        return f"{self.prefix}.projection.{name}"
