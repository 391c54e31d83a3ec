"""CPU per input of the decider, beside a bare transactional dedupe loop and Faust with a table.

Inputs are real text messages of 5,000 chats, one in ten redelivered, answered by the echo
responder. What was sent is reported between the rounds, as it is to a decider at work, and not
measured: no chat waits for more than a round's replies. The floor does what any exactly-once
consumer must: read, look the id up in RocksDB, write the record and the id in one transaction per
partition and batch. With `--provider all` the decider takes each provider's in turn, as multiples
of WhatsApp's.
"""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import faust
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from rocksdict import Options, Rdict

from chatfold import clock, collector, topics
from chatfold import settings as settings_module
from chatfold.settings import Settings
from providers.registry import PROVIDERS
from schemas.topics import Groups, Topics
from streams.decider import Decider
from streams.partition import Deciding
from tests.bench import common
from tests.bench import providers as messages
from tests.support import servers, story

MODULE = "tests.bench.decider"
INPUTS = 20_000
OURS = "the decider"


async def fill(settings: Settings, provider: str, start: int) -> None:
    """Append `INPUTS` inputs, one in ten a redelivery."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, linger_ms=5, max_batch_size=1 << 20
    )
    await producer.start()
    topic, pending = Topics(settings.topic_prefix).inbox, []
    for number in range(start, start + INPUTS):
        unique = number - 1 if number % 10 == 9 else number
        record = messages.record(provider, unique, "Hello, is anybody there?", at=clock.now())
        pending.append(
            await producer.send(topic, record.value, key=record.key, headers=record.headers)
        )
    await asyncio.gather(*pending)
    await producer.stop()


async def report(settings: Settings, provider: str, start: int) -> int:
    """Append that the replies to what `fill` appended were sent; how many that are."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, max_batch_size=1 << 20)
    await producer.start()
    topic, pending = Topics(settings.topic_prefix).inbox, []
    numbers = [number for number in range(start, start + INPUTS) if number % 10 != 9]
    for number in numbers:
        record = messages.report(provider, number, at=clock.now())
        pending.append(
            await producer.send(topic, record.value, key=record.key, headers=record.headers)
        )
    await asyncio.gather(*pending)
    await producer.stop()
    return len(numbers)


async def ours(settings: Settings, reached: Callable[[int], None]) -> None:
    """The decider as it is."""
    policy = story.policy()

    async def known() -> None:
        pass

    decider = Decider(
        Deciding(
            bootstrap=settings.bootstrap,
            topics=Topics(settings.topic_prefix),
            group=Groups(settings.topic_prefix).decider,
            instance="bench",
            folder=Path(tempfile.mkdtemp()),
            policies=lambda _: policy,
            refresh_policies=known,
            route=lambda *_: None,
            now=clock.now,
            reach=lambda _: None,
            window=timedelta(days=7),
        )
    )
    running = asyncio.create_task(decider.run(asyncio.Event()))
    while not running.done():
        reached(sum(one.position or 0 for one in decider._partitions.values()))
        await asyncio.sleep(0.01)
    running.result()


async def floor(settings: Settings, reached: Callable[[int], None]) -> None:
    """Read, dedupe, write the record and its id in one transaction."""
    names = Topics(settings.topic_prefix)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap, isolation_level="read_committed"
    )
    await consumer.start()
    places = [TopicPartition(names.inbox, number) for number in range(settings.partitions)]
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)
    seen = Rdict(tempfile.mkdtemp(), Options(raw_mode=True))
    producers = {place: await floor_producer(settings, place) for place in places}
    done = 0
    while True:
        polled = await consumer.getmany(timeout_ms=200, max_records=2000)
        turns = (floor_turn(names, producers[p], seen, p, rs) for p, rs in polled.items())
        await asyncio.gather(*turns)
        done += sum(map(len, polled.values()))
        reached(done)


async def floor_producer(settings: Settings, place: TopicPartition) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        transactional_id=f"floor-{place.topic}-{place.partition}",
        max_batch_size=1 << 20,
        retry_backoff_ms=5,
    )
    await producer.start()
    return producer


async def floor_turn(names, producer, seen, place, records) -> None:
    async with producer.transaction():
        for record in records:
            key = orjson.loads(record.value)["message_id"].encode()
            if seen.get(key) is not None:
                continue
            seen[key] = b"1"
            await producer.send(names.seen, b"1", key=key, partition=place.partition)
            await producer.send(
                names.events, record.value, key=record.key, partition=place.partition
            )
        await producer.send_offsets_to_transaction({place: records[-1].offset + 1}, "floor")


async def peer(settings: Settings, reached: Callable[[int], None]) -> None:
    """Faust, at least once, with a table of the ids it has seen."""
    names = Topics(settings.topic_prefix)
    app = faust.App(
        f"{settings.topic_prefix}-faust",
        broker=f"kafka://{settings.bootstrap}",
        web_enabled=False,
        topic_partitions=settings.partitions,
        producer_linger=0.02,
        key_serializer="raw",
        value_serializer="raw",
        datadir=tempfile.mkdtemp(),
    )
    inbox = app.topic(names.inbox, key_type=bytes, value_type=bytes)
    events = app.topic(names.events, key_type=bytes, value_type=bytes)
    seen = app.Table("seen", partitions=settings.partitions, default=bool)
    done = 0

    @app.agent(inbox)
    async def dedupe(stream):
        nonlocal done
        async for event in stream.events():
            key = orjson.loads(event.value)["message_id"]
            if key not in seen:
                seen[key] = True
                await events.send(key=event.key, value=event.value)
            done += 1

    await app.start()
    while True:
        reached(done)
        await asyncio.sleep(0.01)


CONTENDERS = {
    "a transactional dedupe loop": floor,
    OURS: ours,
    "Faust's dedupe with a table": peer,
}


async def serve(name: str) -> None:
    """Consume as told on stdin: each line is how many inputs there are by then."""
    settings, target = settings_module.load(), 0
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    asked: asyncio.Future[float] | None = None

    def reached(count: int) -> None:
        nonlocal asked
        if asked is not None and count >= target:
            began, asked = asked.result(), None
            print(orjson.dumps({"seconds": loop.time() - began}).decode(), flush=True)

    running = asyncio.create_task(CONTENDERS[name](settings, reached))
    print("ready", flush=True)
    while not stopped.is_set():
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            break
        target = int(line)
        asked = loop.create_future()
        asked.set_result(loop.time())
    running.cancel()


@contextmanager
def opened(name: str, provider: str, shared: Settings) -> Iterator[Callable[[], common.Run]]:
    """One contender in a process of its own, on topics of its own."""
    title = f"{MODULE} {name} {provider}"
    settings = servers.isolated(shared, title, Path(tempfile.mkdtemp()))
    asyncio.run(prepare(settings))
    filled = reported = 0

    def run() -> common.Run:
        nonlocal filled, reported
        server.process.send_signal(signal.SIGSTOP)  # or it would begin before it is measured
        asyncio.run(fill(settings, provider, filled))
        with common.timed(server) as used:
            server.process.send_signal(signal.SIGCONT)
            told = server.ask(str(filled + INPUTS + reported))
            _, cpu = used()
        if name == OURS:
            reported += asyncio.run(report(settings, provider, filled))
            server.ask(str(filled + INPUTS + reported))
        filled += INPUTS
        return common.Run(INPUTS, told["seconds"], cpu)

    with common.child(MODULE, "serve", name, env=servers.environment(settings)) as server:
        yield run


async def prepare(settings: Settings) -> None:
    await topics.apply(topics.plan(settings))
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    changelog = f"{settings.topic_prefix}-faust-seen-changelog"
    await admin.create_topics([NewTopic(changelog, settings.partitions, 1)])
    await admin.close()


def challenges(provider: str) -> dict[str, tuple[str, str]]:
    """What runs on whose inputs, by titles; the others are multiples of the first."""
    if provider == messages.ALL:
        return {f"{OURS}, {name}": (OURS, name) for name in PROVIDERS}
    return {name: (name, provider) for name in CONTENDERS}


def main() -> None:
    """Run everything and tell."""
    chosen = common.options(__doc__ or "", rounds=3, providers=(*PROVIDERS, messages.ALL))
    with common.stack() as shared:
        contenders = [
            common.Contender(title, partial(opened, *one, shared))
            for title, one in challenges(chosen.provider).items()
        ]
        results = common.interleaved(contenders, chosen.rounds)
    common.tell(results, contenders[0].name, as_json=chosen.json)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", name]:
            collector.relax()
            uvloop.run(serve(name))
        case _:
            main()
