"""Facts per second into the real tables, and their CPU, beside plain binary COPY of the same rows.

The log holds exchanges of 5,000 chats as the echo responder makes them: a message, the reply, its
sending, and the provider's three statuses. CPU is that of the client and of all of PostgreSQL.
"""

import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import orjson
import uvloop
from aiokafka import AIOKafkaProducer

from chatfold import clock, collector, database
from chatfold import settings as settings_module
from chatfold.settings import Settings
from chatfold.stack import Stack
from projections import metrics
from projections.consumer import Consumer, Source
from projections.fold import fold
from projections.partition import Reading
from projections.postgres import PostgresSink
from projections.registry import TABLES
from projections.staging import Stage
from schemas import envelope, identity
from schemas.content import ActionTaken, Content, MessageKind, Origin, Status
from schemas.envelope import Recorded
from schemas.facts import (
    ConversationOpened,
    Fact,
    MessageReceived,
    MessageSent,
    MessageStatusReported,
    ReplyGenerated,
)
from schemas.topics import Groups, Topics
from tests.bench import common
from tests.support import facts, projecting, servers

MODULE = "tests.bench.projection"
FACTS = 60_000
CHATS = 5_000
WORDS = "Does it come in another colour? I would like the green one, please."
STATUSES = (Status.SENT, Status.DELIVERED, Status.READ)

Measured = dict[str, float]
Turn = Callable[[int], Awaitable[Measured]]


class Exchanges(facts.ChatStory):
    """A chat in which every message is answered, sent and read."""

    def _start(self) -> list[Fact]:
        return [super()._start()[0], self._profile(), *self._step()]

    def _step(self) -> list[Fact]:
        opened: list[Fact] = []
        if self.conversation is None:
            self.conversation = identity.conversation_id(self.chat_id, 1)
            opened = [ConversationOpened(conversation_id=self.conversation, number=1)]
        self.messages += 2
        self.user_messages += 1
        name = f"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAz{self.number}.{self.messages}"
        reply_id = identity.reply_id(name, 0)
        return [*opened, self._asked(name), self._answered(name, reply_id), *self._told(reply_id)]

    def _asked(self, name: str) -> Fact:
        return MessageReceived(
            message_id=identity.message_id(chat=self.chat_id, platform_message_id=name),
            conversation_id=self.conversation or "",
            number=self.messages - 1,
            user_number=self.user_messages,
            origin=Origin.USER,
            platform_message_id=name,
            platform_timestamp=self.now,
            content=Content(kind=MessageKind.TEXT, text=WORDS),
            reply_to=None,
            speaker=None,
            action=ActionTaken.REPLIED,
        )

    def _answered(self, name: str, reply_id: str) -> Fact:
        return ReplyGenerated(
            reply_id=reply_id,
            conversation_id=self.conversation or "",
            number=self.messages,
            origin=Origin.BOT,
            handler="echo",
            provider="whatsapp_cloud",
            account="106540352242922",
            content=Content(kind=MessageKind.TEXT, text=f"Message #{self.user_messages}: {WORDS}"),
            in_reply_to=name,
            received_at=self.now,
        )

    def _told(self, reply_id: str) -> Iterator[Fact]:
        name = f"wamid.out.{reply_id}"
        yield MessageSent(
            reply_id=reply_id,
            attempt=1,
            platform_message_id=name,
            http_status=200,
            started_at=self.now,
            finished_at=self.now + timedelta(milliseconds=80),
        )
        for status in STATUSES:
            yield MessageStatusReported(
                message_id=reply_id,
                platform_message_id=name,
                attempt=1,
                status=status,
                reported_at=self.now,
                error_code=None,
                error_message=None,
                action=ActionTaken.STATUS,
            )


def segments() -> Iterator[list[Recorded[Fact]]]:
    """One log without end, `FACTS` facts at a time."""
    rng = random.Random(1)
    stories = [Exchanges(f"tenant-{number % 3}", number, rng) for number in range(CHATS)]
    told: list[Recorded[Fact]] = []
    while True:
        while len(told) < FACTS:
            told += rng.choice(stories).tell(1)
        yield told[:FACTS]
        told = told[FACTS:]


async def append(settings: Settings, segment: Sequence[Recorded[Fact]]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, linger_ms=5, max_batch_size=1 << 20
    )
    await producer.start()
    topic, pending = Topics(settings.topic_prefix).events, []
    for one in segment:
        record = envelope.encode(one)
        pending.append(
            await producer.send(topic, record.value, key=record.key, headers=list(record.headers))
        )
    await asyncio.gather(*pending)
    await producer.stop()


@contextmanager
def measured(postmaster: int, told: Measured) -> Iterator[None]:
    """Put seconds, the client's CPU and PostgreSQL's into `told`."""
    began, client, server = time.perf_counter(), time.process_time(), postgres_cpu(postmaster)
    yield
    told["seconds"] = time.perf_counter() - began
    told["client"] = time.process_time() - client
    told["postgres"] = postgres_cpu(postmaster) - server


def postgres_cpu(postmaster: int) -> float:
    """CPU seconds of the postmaster, of its children, and of those that have ended."""
    folder = Path(f"/proc/{postmaster}/task/{postmaster}/children")
    own = _ticks(postmaster)[:4]
    children = [_ticks(int(pid))[:2] for pid in folder.read_text().split()]
    return sum(own + [ticks for pair in children for ticks in pair]) / common._TICKS


def _ticks(pid: int) -> list[int]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return [0, 0, 0, 0]
    return [int(field) for field in stat.rpartition(")")[2].split()[11:15]]


@asynccontextmanager
async def projection(settings: Settings, postmaster: int) -> AsyncIterator[Turn]:
    """The projector as it is."""
    pool = await database.open_pool(settings.database)
    sink = PostgresSink(pool, settings.database_schema, TABLES, reach=lambda _: None)
    names, groups = Topics(settings.topic_prefix), Groups(settings.topic_prefix)
    consumer = Consumer(
        Reading(projection=TABLES.name, decode=TABLES.decode, sink=sink, clock=clock.now),
        Source(
            bootstrap=settings.bootstrap,
            topic=names.events,
            group=groups.projection(TABLES.name),
            session_timeout_ms=45_000,
        ),
    )
    running = asyncio.create_task(consumer.run(asyncio.Event()))
    counter = metrics.FACTS.labels(TABLES.name)

    async def turn(number: int) -> Measured:
        told: Measured = {}
        with measured(postmaster, told):
            while counter._value.get() < (number + 1) * FACTS and not running.done():
                await asyncio.sleep(0.005)
        return told

    yield turn
    running.cancel()


@asynccontextmanager
async def copy(settings: Settings, postmaster: int, *, indexed: bool) -> AsyncIterator[Turn]:
    """The rows that a segment ends in, by binary COPY, each segment into tables of its own."""
    log = segments()
    connection = await database.connect(settings.database)

    async def turn(number: int) -> Measured:
        schema = f"{settings.database_schema}_{number}"
        await tables(connection, settings, schema, indexed=indexed)
        rows = [(stage.table.name, *_plain(stage, told)) for stage, told in _folded(next(log))]
        told: Measured = {}
        with measured(postmaster, told):
            async with connection.transaction():
                for table, columns, records in rows:
                    await connection.copy_records_to_table(
                        table, schema_name=schema, columns=columns, records=records
                    )
        return told

    yield turn
    await connection.close()


def _folded(segment: list[Recorded[Fact]]) -> Iterator[tuple[Stage, object]]:
    folded = fold([write for one in segment for write in TABLES.evolve(one)])
    for stage in map(Stage, TABLES.tables):
        if stage.table.name in folded:  # no exchange fails, so some tables stay empty
            yield stage, folded[stage.table.name]


def _plain(stage: Stage, folded) -> tuple[list[str], list[tuple]]:
    """The upserts as the rows that they make."""
    staged = stage.rows(folded)
    places = [n for n, name in enumerate(staged.columns) if name not in {"part", "mask"}]
    part = staged.columns.index("part")
    records = [tuple(r[n] for n in places) for r in staged.records if r[part] == 2]
    return [staged.columns[n] for n in places], records


async def tables(connection, settings: Settings, schema: str, *, indexed: bool) -> None:
    """The real tables of a schema, with all they have or with nothing but columns."""
    including = "INCLUDING ALL" if indexed else ""
    await connection.execute(f"CREATE SCHEMA {schema}")
    for table in TABLES.tables:
        live = f"{settings.database_schema}.{table.name}"
        await connection.execute(f"CREATE TABLE {schema}.{table.name} (LIKE {live} {including})")
    if not indexed:
        await connection.execute(f"ALTER TABLE {schema}.messages DROP COLUMN search")


CONTENDERS = {
    "binary COPY, bare tables": partial(copy, indexed=False),
    "binary COPY, real tables": partial(copy, indexed=True),
    "the projection": projection,
}


async def serve(name: str, postmaster: int) -> None:
    """One turn for each line of stdin."""
    settings = settings_module.load()
    async with CONTENDERS[name](settings, postmaster) as turn:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(orjson.dumps(await turn(int(line))).decode(), flush=True)


@contextmanager
def opened(name: str, shared: Settings, postmaster: int) -> Iterator[Callable[[], common.Run]]:
    """One contender in a process of its own, on a schema and topics of its own."""
    settings = servers.isolated(shared, f"{MODULE} {name}", Path(tempfile.mkdtemp()))
    asyncio.run(projecting.prepare(settings))
    log, turns = segments(), iter(range(1000))

    def run() -> common.Run:
        server.process.send_signal(signal.SIGSTOP)  # or it would begin before it is measured
        if name == "the projection":
            asyncio.run(append(settings, next(log)))
        server.process.send_signal(signal.SIGCONT)
        told = server.ask(str(next(turns)))
        split = {part: told[part] / FACTS * 1e6 for part in ("client", "postgres")}
        return common.Run(FACTS, told["seconds"], told["client"] + told["postgres"], split)

    arguments = (MODULE, "serve", name, str(postmaster))
    with common.child(*arguments, env=servers.environment(settings)) as server:
        yield run


def main() -> None:
    """Run everything and tell."""
    chosen = common.options(__doc__ or "", rounds=3)
    with common.stack() as shared:
        postmaster = Stack(shared).postgres.pid
        contenders = [
            common.Contender(name, partial(opened, name, shared, postmaster)) for name in CONTENDERS
        ]
        results = common.interleaved(contenders, chosen.rounds)
    common.tell(results, "binary COPY, real tables", as_json=chosen.json)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", name, postmaster]:
            collector.relax()
            uvloop.run(serve(name, int(postmaster)))
        case _:
            main()
