"""For the tests of own projections: facts to fold, and the rows that they give."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from msgspec.structs import replace

from projections.fold import fold
from projections.in_memory import MemoryTables, Row
from projections.rows import Write
from projections.tables import Table
from schemas import identity
from schemas.content import ActionTaken, Content, MessageKind, Origin, Platform
from schemas.envelope import Recorded
from schemas.facts import ChatStarted, ConversationOpened, Fact, MessageReceived, ReplyGenerated

BEGIN: Final = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
TENANT: Final = "acme"
USER: Final = "4915112345678"
CHAT: Final = identity.chat_id(tenant=TENANT, platform="whatsapp", platform_user_id=USER)
CONVERSATION: Final = identity.conversation_id(CHAT, 1)
PROVIDER: Final = "whatsapp_cloud"
ACCOUNT: Final = "100"


class Folds(Protocol):
    """What is tested of an own projection."""

    @property
    def HANDLES(self) -> frozenset[type]:  # noqa: N802  # as modules write it
        """The facts it wants."""

    @property
    def TABLES(self) -> tuple[Table, ...]:  # noqa: N802  # as above
        """Its tables."""

    def apply(self, recorded: Recorded[Fact]) -> Iterable[Write]:
        """What a fact changes."""


class Chance(Protocol):
    """`random.Random`, which decides where a log is cut."""

    def randint(self, a: int, b: int) -> int:
        """A number from `a` to `b`."""


def rows(
    projection: Folds, log: Sequence[Recorded[Fact]], *, rng: Chance | None = None
) -> dict[str, list[Row]]:
    """The rows of each table after `log`, one fact at a time, or in batches that `rng` cuts."""
    tables = MemoryTables(projection.TABLES)
    for batch in _batches(log, rng):
        writes = [write for one in batch for write in _writes(projection, one)]
        if rng is None:
            tables.apply(writes)
            continue
        for folded in fold(writes).values():
            tables.apply((*folded.before, *folded.patches, *folded.upserts))
    return {table.name: tables.of(table.name) for table in projection.TABLES}


def fact(data: Fact, sequence: int, *, chat_id: str = CHAT, after: float = 0) -> Recorded[Fact]:
    """`data` as the `sequence`-th fact of a chat, so many seconds after `BEGIN`."""
    cause = identity.derive("testing", chat_id, str(sequence))
    return Recorded(
        id=identity.fact_id(cause, 0),
        time=BEGIN + timedelta(seconds=after),
        source="/chatfold/testing",
        tenant=TENANT,
        chat_id=chat_id,
        causation_id=cause,
        correlation_id=cause,
        data=data,
        sequence=sequence,
    )


def conversation(*texts: str) -> list[Recorded[Fact]]:
    """A chat that begins, and what its person writes, a message a minute."""
    started = ChatStarted(
        platform=Platform.WHATSAPP,
        platform_user_id=USER,
        provider=PROVIDER,
        account=ACCOUNT,
        is_group=False,
    )
    opened = ConversationOpened(conversation_id=CONVERSATION, number=1)
    said = (
        fact(_received(text, number), number + 2, after=60 * number)
        for number, text in enumerate(texts, 1)
    )
    return [fact(started, 1), fact(opened, 2), *said]


def replies(log: Sequence[Recorded[Fact]], *texts: str) -> list[Recorded[Fact]]:
    """What the bot writes after `log`, ten seconds later."""
    last = log[-1]
    after = (last.time - BEGIN).total_seconds() + 10
    return [
        replace(fact(_reply(text, last, n), last.sequence + n, after=after), chat_id=last.chat_id)
        for n, text in enumerate(texts, 1)
    ]


def _received(text: str, number: int) -> MessageReceived:
    name = f"wamid.{number}"
    return MessageReceived(
        message_id=identity.message_id(chat=CHAT, platform_message_id=name),
        conversation_id=CONVERSATION,
        number=number,
        user_number=number,
        origin=Origin.USER,
        platform_message_id=name,
        platform_timestamp=None,
        content=Content(kind=MessageKind.TEXT, text=text),
        reply_to=None,
        speaker=None,
        action=ActionTaken.REPLIED,
    )


def _reply(text: str, last: Recorded[Fact], number: int) -> ReplyGenerated:
    return ReplyGenerated(
        reply_id=identity.reply_id(last.causation_id, number),
        conversation_id=CONVERSATION,
        number=last.sequence + number,
        origin=Origin.BOT,
        handler="testing",
        provider=PROVIDER,
        account=ACCOUNT,
        content=Content(kind=MessageKind.TEXT, text=text),
        in_reply_to=None,
        received_at=last.time,
    )


def _writes(projection: Folds, recorded: Recorded[Fact]) -> Iterable[Write]:
    return projection.apply(recorded) if type(recorded.data) in projection.HANDLES else ()


def _batches(
    log: Sequence[Recorded[Fact]], rng: Chance | None
) -> Iterator[Sequence[Recorded[Fact]]]:
    start = 0
    while start < len(log):
        size = len(log) if rng is None else rng.randint(1, len(log))
        yield log[start : start + size]
        start += size
