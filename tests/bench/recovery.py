"""How fast a decider restores its chats, and how long clients wait when one of two is killed.

The floor of a restore is reading the same changelog and throwing it away.
"""

import asyncio
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from chatfold import clock, reading, topics
from chatfold import settings as settings_module
from chatfold.settings import Settings
from schemas import codec, envelope
from schemas.facts import MessageReceived
from schemas.topics import Topics
from streams.decide import snapshot, timers
from streams.memory import PartitionMemory
from streams.restore import restore
from streams.state import open_store
from tests.bench import common
from tests.support import kafka, servers, webhooks
from tests.support.inbox import Inbox
from tests.support.roles import Process

MODULE = "tests.bench.recovery"
CHATS = 100_000
OUTAGE_SECONDS = 25.0


async def fill(settings: Settings) -> None:
    """One partition's changelog with the state of `CHATS` chats after two messages each."""
    inbox = Inbox()
    for wamid in ("wamid.1", "wamid.2"):
        for one in webhooks.inputs(webhooks.body(webhooks.text("Hello", wamid=wamid))):
            inbox.append(one)
    inbox.drain()
    (state,) = (snapshot.decode(raw) for raw in inbox.states.values())
    value = snapshot.encode(state, timers.next_due(state, inbox.policy))
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, linger_ms=5, max_batch_size=1 << 20
    )
    await producer.start()
    topic = Topics(settings.topic_prefix).chat_state
    keys = (f"00000000-0000-5000-8000-{number:012d}".encode() for number in range(CHATS))
    sent = [await producer.send(topic, value, key=key, partition=0) for key in keys]
    await asyncio.gather(*sent)
    await producer.stop()


async def ours(settings: Settings) -> int:
    """Restore, as a decider does when it is given the partition."""
    folder = Path(tempfile.mkdtemp())
    store, start = open_store(folder, timedelta(days=7))
    offsets = await restore(store, settings.bootstrap, Topics(settings.topic_prefix), 0, start)
    memory = PartitionMemory(store, offsets, 50_000)
    restored = len(memory.alarms)
    memory.close(clean=False)
    shutil.rmtree(folder)
    return restored


async def floor(settings: Settings) -> int:
    """Read the changelog and keep nothing."""
    place = TopicPartition(Topics(settings.topic_prefix).chat_state, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    consumer.assign([place])
    end, count = (await consumer.end_offsets([place]))[place], 0
    while await consumer.position(place) < end:
        polled = await consumer.getmany(place, timeout_ms=500, max_records=5_000)
        count += len(polled.get(place, ()))
    await consumer.stop()
    return count


CONTENDERS = {"reading the changelog": floor, "restoring the chats": ours}


async def serve(name: str) -> None:
    """Do it once for each line on stdin."""
    settings, loop = settings_module.load(), asyncio.get_running_loop()
    print("ready", flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        began = loop.time()
        count = await CONTENDERS[name](settings)
        print(codec.dumps({"items": count, "seconds": loop.time() - began}).decode(), flush=True)


@contextmanager
def opened(name: str, settings: Settings) -> Iterator[Callable[[], common.Run]]:
    """One contender in a process of its own."""

    def run() -> common.Run:
        with common.timed(process) as used:
            told = process.ask("go")
            _, cpu = used()
        return common.Run(int(told["items"]), told["seconds"], cpu)

    with common.child(MODULE, "serve", name, env=servers.environment(settings)) as process:
        yield run


async def gap(settings: Settings) -> float:
    """The longest pause between two decisions, in seconds, while one of two is killed."""
    await kafka.prepare(settings, kafka.TENANT)
    first = Process("decider", settings, settings.home / "first.log")
    second = Process("decider", settings, settings.home / "second.log")
    try:
        await asyncio.to_thread(first.wait_ready)
        await asyncio.to_thread(second.wait_ready)
        sending = asyncio.create_task(_send(settings))
        await asyncio.sleep(3)
        first.kill(signal.SIGKILL)
        await sending
        await asyncio.sleep(3)
    finally:
        for one in (first, second):
            one.kill()
    return await _longest(settings)


async def _send(settings: Settings) -> None:
    until = time.monotonic() + OUTAGE_SECONDS
    for number in range(100_000):
        if time.monotonic() > until:
            return
        said = webhooks.text(
            "Hello", wamid=f"wamid.{number}", user=str(4915100000000 + number % 40)
        )
        await kafka.produce_inputs(settings, webhooks.inputs(webhooks.body(said), at=clock.now()))


async def _longest(settings: Settings) -> float:
    """How long the slowest message waited from its arrival to its fact's place in the log."""
    waited = 0.0
    async for record in reading.read(settings.bootstrap, Topics(settings.topic_prefix).events):
        told = envelope.decode(codec.FACTS, value=record.value, headers=record.headers)
        if isinstance(told.data, MessageReceived):
            waited = max(waited, record.timestamp / 1000 - told.time.timestamp())
    return waited


def main() -> None:
    """Run everything and tell."""
    chosen = common.options(__doc__ or "", rounds=3)
    with common.stack() as shared:
        settings = servers.isolated(shared, MODULE, Path(tempfile.mkdtemp()))
        asyncio.run(topics.apply(topics.plan(settings)))
        asyncio.run(fill(settings))
        contenders = [common.Contender(n, partial(opened, n, settings)) for n in CONTENDERS]
        results = common.interleaved(contenders, chosen.rounds)
        killed = servers.isolated(shared, f"{MODULE} gap", Path(tempfile.mkdtemp()))
        longest = asyncio.run(gap(killed))
    common.tell(results, "reading the changelog", as_json=chosen.json)
    print(codec.dumps({"longest_wait_when_one_of_two_is_killed_seconds": longest}).decode())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", name]:
            uvloop.run(serve(name))
        case _:
            main()
