"""A message and its replies, as they were and as they would be; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from schemas import codec
from schemas.content import Content, Origin, Usage
from schemas.envelope import Recorded
from schemas.facts import (
    AnswerGiven,
    Fact,
    HandlerFailed,
    MessageReceived,
    ModelCalled,
    ReplyGenerated,
)

NO_USAGE: Final[Sequence[Usage]] = ()


@dataclass(slots=True)
class Replies:
    """What was said to one message, what went wrong in it, and what models took for it."""

    texts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that people wrote; the platform's name of it is `name`."""

    tenant: str
    chat_id: str
    name: str
    time: datetime
    text: str


Key = tuple[str, str]
"""Chat, and the platform's name of the message."""


class Talk:
    """Messages and their replies, gathered from facts in the order of each chat."""

    def __init__(self) -> None:
        self.messages: dict[Key, Message] = {}
        self.replies: dict[Key, Replies] = {}
        self.calls: list[tuple[datetime, Usage]] = []
        self._begun: dict[str, Key] = {}
        self._given: dict[str, Key] = {}

    def hear(self, facts: Iterable[Recorded[Fact]]) -> None:
        """Take up what these facts tell, all that one input led to at least."""
        told = list(facts)
        for recorded in told:  # which messages a model's reply is to comes after the reply
            if isinstance(recorded.data, AnswerGiven):
                self._answer(recorded, recorded.data)
        for recorded in told:
            match recorded.data:
                case MessageReceived(origin=Origin.USER) as fact:
                    self._message(recorded, fact)
                case ReplyGenerated(origin=Origin.BOT) as fact:
                    key = self._given.get(fact.reply_id) or self._begun.get(recorded.correlation_id)
                    self._of(key).texts.append(words(fact.content))
                case HandlerFailed() as fact:
                    self._of(self._begun.get(recorded.correlation_id)).errors.append(fact.error)
                case ModelCalled() as fact:
                    self.calls.append((recorded.time, fact.usage))
                case _:
                    pass  # nothing that is said

    def fail(self, chat_id: str, answers: Sequence[str], error: str) -> None:
        """A model has failed to answer these messages."""
        if answers:
            self._of((chat_id, answers[-1])).errors.append(error)

    def _message(self, recorded: Recorded[Fact], fact: MessageReceived) -> None:
        key = (recorded.chat_id, fact.platform_message_id)
        self._begun[recorded.correlation_id] = key
        self.messages[key] = Message(
            tenant=recorded.tenant,
            chat_id=recorded.chat_id,
            name=fact.platform_message_id,
            time=recorded.time,
            text=words(fact.content),
        )

    def _answer(self, recorded: Recorded[Fact], fact: AnswerGiven) -> None:
        if not fact.answers:
            return
        key = self._given[fact.reply_id] = (recorded.chat_id, fact.answers[-1])
        if fact.usage is not None:
            self._of(key).usages.append(fact.usage)

    def _of(self, key: Key | None) -> Replies:
        return Replies() if key is None else self.replies.setdefault(key, Replies())


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A message with what was replied and what would be."""

    message: Message
    was: Sequence[str]
    would: Sequence[str]
    was_errors: Sequence[str]
    would_errors: Sequence[str]
    was_usages: Sequence[Usage]
    would_usages: Sequence[Usage]

    @property
    def differs(self) -> bool:
        """Whether people would read something else."""
        return list(self.was) != list(self.would)


def turns(was: Talk, would: Talk) -> list[Turn]:
    """Each message that was decided again, the oldest first."""
    found = [_turn(message, was.replies, would.replies) for message in would.messages.values()]
    return sorted(found, key=lambda turn: (turn.message.time, turn.message.chat_id))


def words(content: Content) -> str:
    """What a message says, in words."""
    if content.text is not None:
        return content.text
    told = content.caption or (content.media and content.media.file_name)
    structured = codec.dumps(content.structured).decode() if content.structured else ""
    return f"[{content.kind}] {told or structured}".strip()


def _turn(message: Message, was: Mapping[Key, Replies], would: Mapping[Key, Replies]) -> Turn:
    key = (message.chat_id, message.name)
    then, now = was.get(key, Replies()), would.get(key, Replies())
    return Turn(
        message=message,
        was=then.texts,
        would=now.texts,
        was_errors=then.errors,
        would_errors=now.errors,
        was_usages=then.usages,
        would_usages=now.usages,
    )
