"""Topics of one test: created, filled, and read to their end."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from aiokafka import AIOKafkaProducer, ConsumerRecord

from chatfold import clock, reading, topics
from chatfold.settings import Settings
from chatfold.tenancy import record_of
from schemas import codec, envelope
from schemas.content import Platform
from schemas.envelope import Record, Recorded
from schemas.facts import Fact
from schemas.inputs import Input
from schemas.tenants import Account, Tenant
from schemas.topics import Topics
from streams.decide.policy import Policy
from tests.support import story, webhooks
from tests.support.inbox import Inbox

ACCOUNT = Account(provider="whatsapp_cloud", account=webhooks.PHONE_ID, platform=Platform.WHATSAPP)
TENANT = Tenant(tenant_id=webhooks.TENANT, name="Acme", accounts=(ACCOUNT,))


async def prepare(settings: Settings, *tenants: Tenant) -> Topics:
    """Create the topics and make the tenants known."""
    await topics.apply(topics.plan(settings))
    names = Topics(settings.topic_prefix)
    await produce(settings, names.tenants, [record_of(one, clock.now()) for one in tenants])
    return names


async def produce(settings: Settings, topic: str, records: Iterable[Record]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, acks="all", enable_idempotence=True, linger_ms=2
    )
    try:
        await producer.start()
        sent = [
            await producer.send(topic, r.value, key=r.key, headers=list(r.headers)) for r in records
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def produce_inputs(settings: Settings, inputs: Iterable[Recorded[Input]]) -> None:
    topic = Topics(settings.topic_prefix).inbox
    await produce(settings, topic, [envelope.encode(one) for one in inputs])


async def read_all(settings: Settings, topic: str) -> list[ConsumerRecord]:
    return [record async for record in reading.read(settings.bootstrap, topic)]


async def facts(settings: Settings) -> list[Recorded[Fact]]:
    records = await read_all(settings, Topics(settings.topic_prefix).events)
    return [envelope.decode(codec.FACTS, value=r.value, headers=r.headers) for r in records]


async def facts_differ(settings: Settings, policy: Policy | None = None) -> list[str]:
    """Where the events differ from what a decider that never failed makes of the same inbox."""
    names = Topics(settings.topic_prefix)
    inbox, events = await read_all(settings, names.inbox), await read_all(settings, names.events)
    expected = _decided_without_trouble(inbox, policy or story.policy())
    written = defaultdict(list)
    for record in events:
        written[record.partition].append((record.key, record.value, tuple(record.headers)))
    return [
        f"partition {partition}, fact {index}: {found} instead of {wanted}"
        for partition, facts in expected.items()
        for index, (found, wanted) in enumerate(_padded(written[partition], facts))
        if found != wanted
    ]


def _decided_without_trouble(inbox: list[ConsumerRecord], policy: Policy) -> dict[int, list[tuple]]:
    partitions: dict[int, Inbox] = defaultdict(lambda: Inbox(policy=policy))
    for record in inbox:
        partitions[record.partition].log.append(
            Record(record.key, record.value, list(record.headers))
        )
    for one in partitions.values():
        one.drain()
    return {
        number: [(r.key, r.value, tuple(r.headers)) for r in one.written("test.events.v1")]
        for number, one in partitions.items()
    }


def _padded(left: list, right: list) -> list[tuple]:
    from itertools import zip_longest

    return list(zip_longest(left, right))
