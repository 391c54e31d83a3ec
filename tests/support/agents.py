"""Orders for agents, and what came of them."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from chatfold.settings import Settings
from schemas import codec, envelope, identity
from schemas.content import Content, MessageKind, Platform
from schemas.envelope import Record, Recorded
from schemas.inputs import SendReported
from schemas.tenants import Account, SendLimits, Tenant
from schemas.topics import Groups, Topics
from schemas.work import Order, SendMessage
from tests.support import kafka, roles, servers

TENANT = "acme"
WHATSAPP, TELEGRAM, UNKNOWN = "1555", "12", "nobody"
AT = datetime(2026, 11, 21, tzinfo=UTC)
TOKENS = {"TEST_WHATSAPP_TOKEN": "wa-s3cr3t", "TEST_TELEGRAM_TOKEN": "12:tg-s3cr3t"}


class Agent(roles.Process):
    """An agent as a process; `instance` is its lasting name in the consumer group."""

    def __init__(
        self, role: str, settings: Settings, log: Path, instance: str | None = None, **env: str
    ) -> None:
        self.role = role
        self.port = roles.free_port()
        self.log = log
        values = servers.environment(settings) | TOKENS | env
        values["CHATFOLD_METRICS_PORT"] = str(self.port)
        if instance:
            values["TEST_INSTANCE"] = instance
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.agent_role", role],
                env=os.environ | values,
                stdout=out,
                stderr=out,
                start_new_session=True,
                cwd=servers.ROOT,
            )


def tenant(whatsapp_url: str, telegram_url: str) -> Tenant:
    """A tenant with an account at each provider, and one whose token is not set."""
    return Tenant(
        tenant_id=TENANT,
        name="Acme",
        accounts=(
            _account("whatsapp_cloud", WHATSAPP, "access_token", "env:TEST_WHATSAPP_TOKEN")(
                whatsapp_url
            ),
            _account("telegram", TELEGRAM, "bot_token", "env:TEST_TELEGRAM_TOKEN")(telegram_url),
            _account("telegram", "99", "bot_token", "env:TEST_NOT_SET")(telegram_url),
        ),
    )


def _account(provider: str, account: str, name: str, reference: str) -> Callable[[str], Account]:
    platform = Platform.TELEGRAM if provider == "telegram" else Platform.WHATSAPP
    return lambda url: Account(
        provider=provider,
        account=account,
        platform=platform,
        credentials={name: reference},
        base_url=url,
        limits=SendLimits(account_per_second=10_000, chat_per_second=1_000),
    )


def order(
    chat: int,
    number: int,
    *,
    text: str | None = None,
    provider: str = "whatsapp_cloud",
    account: str | None = None,
    attempt: int = 1,
) -> Recorded[Order]:
    """The `number`-th reply of a chat; the person's id and the text name both."""
    chat_id = identity.chat_id(tenant=TENANT, platform="test", platform_user_id=str(chat))
    cause = identity.derive("cause", str(chat), str(number))
    account = account or (WHATSAPP if provider == "whatsapp_cloud" else TELEGRAM)
    return Recorded(
        id=f"{cause}.order",
        time=AT,
        source="/chatfold/decider",
        tenant=TENANT,
        chat_id=chat_id,
        causation_id=cause,
        correlation_id=cause,
        data=SendMessage(
            reply_id=identity.reply_id(cause, 0),
            attempt=attempt,
            provider=provider,
            account=account,
            to=person(chat),
            content=Content(kind=MessageKind.TEXT, text=text or f"chat {chat} reply {number}"),
            reply_to=None,
            received_at=AT,
        ),
    )


def person(chat: int) -> str:
    """To whom a chat's replies go."""
    return f"49{chat:08}"


async def produce(settings: Settings, orders: Iterable[Recorded[Order]]) -> None:
    """Put orders into the log."""
    topic = Topics(settings.topic_prefix).work_delivery
    await kafka.produce(settings, topic, [envelope.encode(one) for one in orders])


async def produce_in_transactions(
    settings: Settings, orders: Sequence[Recorded[Order]], *, size: int, abort_every: int
) -> None:
    """As the decider does, with some transactions aborted: their orders never were."""
    topic = Topics(settings.topic_prefix).work_delivery
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        transactional_id=f"{settings.topic_prefix}-test",
        retry_backoff_ms=5,
    )
    try:
        await producer.start()
        for number, start in enumerate(range(0, len(orders), size)):
            if number % abort_every == 0:
                await _transact(producer, topic, [_aborted(orders[start])], commit=False)
            records = [envelope.encode(one) for one in orders[start : start + size]]
            await _transact(producer, topic, records, commit=True)
    finally:
        await producer.stop()


def _aborted(like: Recorded[Order]) -> Record:
    record = envelope.encode(like)
    return Record(record.key, b'{"aborted": true}', record.headers)


async def _transact(
    producer: AIOKafkaProducer, topic: str, records: Iterable[Record], *, commit: bool
) -> None:
    await producer.begin_transaction()
    for record in records:
        await producer.send(topic, record.value, key=record.key, headers=list(record.headers))
    await (producer.commit_transaction() if commit else producer.abort_transaction())


@asynccontextmanager
async def following(settings: Settings, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all partitions of a topic, from its beginning."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        await consumer.start()
        consumer.assign([TopicPartition(topic, one) for one in range(settings.partitions)])
        yield consumer
    finally:
        await consumer.stop()


async def reports(settings: Settings) -> list[Recorded[SendReported]]:
    """Every report in the inbox by now."""
    records = await kafka.read_all(settings, Topics(settings.topic_prefix).inbox)
    return [report(record) for record in records]


def report(record: ConsumerRecord) -> Recorded[SendReported]:
    """The report that a record of the inbox holds."""
    return envelope.decode(codec.INPUTS, value=record.value, headers=record.headers)


async def reported(
    settings: Settings, orders: Sequence[Recorded[Order]], seconds: float = 90.0
) -> dict[str, SendReported]:
    """The report of each order, by its reply's id, once all are there; checks that they agree."""
    missing = {one.data.reply_id for one in orders}
    found: list[Recorded[SendReported]] = []
    deadline = time.monotonic() + seconds
    async with following(settings, Topics(settings.topic_prefix).inbox) as inbox:
        while missing:
            assert time.monotonic() < deadline, await _of_missing(settings, missing)
            polled = await inbox.getmany(timeout_ms=200)
            new = [report(record) for batch in polled.values() for record in batch]
            missing -= {one.data.reply_id for one in new}
            found += new
    return one_outcome_each(found)


async def _of_missing(settings: Settings, missing: set[str]) -> str:
    there = missing & {one.data.reply_id for one in await reports(settings)}
    return f"no report of {len(missing)} orders, but {len(there)} of them are in the log"


def one_outcome_each(found: Iterable[Recorded[SendReported]]) -> dict[str, SendReported]:
    """The outcomes by reply; the reports of one attempt must be the same to the last byte."""
    by_id = defaultdict(set)
    for one in found:
        by_id[one.id].add((one.chat_id, one.causation_id, codec.dumps(one.data)))
    differing = {name: told for name, told in by_id.items() if len(told) > 1}
    assert not differing
    return {one.data.reply_id: one.data for one in found}


async def committed(settings: Settings) -> dict[int, int]:
    """The delivery group's committed offset of each partition, -1 where there is none."""
    topic = Topics(settings.topic_prefix).work_delivery
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        group_id=Groups(settings.topic_prefix).delivery,
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
        places = [TopicPartition(topic, number) for number in range(settings.partitions)]
        consumer.assign(places)
        found = {place.partition: await consumer.committed(place) for place in places}
        return {number: -1 if offset is None else offset for number, offset in found.items()}
    finally:
        await consumer.stop()


async def ends(settings: Settings) -> dict[int, int]:
    """Where each partition of the orders ends."""
    topic = Topics(settings.topic_prefix).work_delivery
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap)
    try:
        await consumer.start()
        places = [TopicPartition(topic, number) for number in range(settings.partitions)]
        return {p.partition: end for p, end in (await consumer.end_offsets(places)).items()}
    finally:
        await consumer.stop()


async def eventually(met: Callable[[], Awaitable[bool]], what: str, seconds: float = 60.0) -> None:
    """Wait until a condition is met."""
    deadline = time.monotonic() + seconds
    while not await met():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        await asyncio.sleep(0.1)


def most(counts: Iterable[object]) -> int:
    """How often the most frequent one occurs."""
    return max(Counter(counts).values(), default=0)
