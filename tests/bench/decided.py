"""A log of facts as the decider made them of generated webhooks, for benchmarks that read one.

People talk to three tenants over WhatsApp, an exchange after the other: a message, the report that
the reply was sent, and its three statuses, each some exchanges later. A log that a running stack
has already is not made again: with `CHATFOLD_KEEP_STACK=1` the next run finds it.
"""

import asyncio
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta

import uvloop
from aiokafka import AIOKafkaProducer

from chatfold import clock, collector
from chatfold import settings as settings_module
from chatfold.gateway.scribe import Scribe, time_header
from chatfold.settings import Settings
from chatfold.stack import Stack
from providers.registry import PROVIDERS
from schemas import codec, envelope, identity
from schemas.content import SendOutcome
from schemas.envelope import Record, Recorded
from schemas.inputs import SendReported
from schemas.topics import Topics
from tests.bench import common, decider
from tests.support import projecting, servers, webhooks

MODULE = "tests.bench.decided"
PROVIDER = PROVIDERS["whatsapp_cloud"]
SPAN = timedelta(hours=20)  # less than after which a talk is idle
BEGIN, FACTS = 3, 6  # facts of a chat's beginning, and of an exchange
CHATS = 5_000
LATER = {"report": 1, "sent": 2, "delivered": 3, "read": 100}  # exchanges
WORDS = "Does it come in another colour? I would like the green one, please."


class Talk:
    """Exchanges, the `number`-th after the one before."""

    def __init__(self, exchanges: int, end: datetime) -> None:
        self._count = exchanges
        self._step = SPAN / exchanges
        self._begin = end - SPAN
        self._scribes = [
            Scribe(PROVIDER, webhooks.PHONE_ID, tenant=f"tenant-{n}") for n in range(3)
        ]
        self._told: dict[int, dict[str, bytes]] = {}

    def inputs(self) -> Iterator[Record]:
        """All of them, in the order in which they come."""
        for number in range(self._count + max(LATER.values())):
            at = self._begin + number * self._step
            if number < self._count:
                yield self._message(number, at)
            for what, later in LATER.items():
                if 0 <= number - later < self._count:
                    yield self._after(number - later, what, at)

    def _message(self, number: int, at: datetime) -> Record:
        told = webhooks.text(WORDS, wamid=f"wamid.in.{number:012}", user=_person(number), at=at)
        record = self._item(number, webhooks.body(told), at)
        self._told[number] = dict(record.headers)
        return record

    def _after(self, number: int, what: str, at: datetime) -> Record:
        if what == "report":
            return _report(number, self._told.pop(number), at)
        told = webhooks.status(what, wamid=f"wamid.out.{number:012}", user=_person(number))
        return self._item(number, webhooks.body(statuses=[told]), at)

    def _item(self, number: int, body: dict, at: datetime) -> Record:
        (item,) = PROVIDER.read(codec.dumps(body))
        return self._scribes[number % CHATS % 3].record(item, time_header(at))


def _person(number: int) -> str:
    return str(4915100000000 + number % CHATS)


def _report(number: int, cause: dict[str, bytes], at: datetime) -> Record:
    message_id = cause["ce_id"].decode()
    reply_id = identity.reply_id(message_id, 0)
    sent = SendReported(
        reply_id=reply_id,
        attempt=1,
        outcome=SendOutcome.SENT,
        started_at=at,
        finished_at=at + timedelta(milliseconds=80),
        platform_message_id=f"wamid.out.{number:012}",
        http_status=200,
    )
    return envelope.encode(
        Recorded(
            id=identity.report_id(reply_id=reply_id, attempt=1),
            time=at,
            source="/chatfold/agent/delivery",
            tenant=cause["ce_tenant"].decode(),
            chat_id=cause["ce_subject"].decode(),
            causation_id=message_id,
            correlation_id=message_id,
            data=sent,
        )
    )


def log(shared: Settings, facts: int) -> Settings:
    """Settings under which about so many facts are the log, with tables for them."""
    name = f"decided{facts}"
    names = {"topic_prefix": name, "database_schema": name, "view_prefix": name}
    settings = shared.model_copy(update=names)
    made = Stack(shared).kafka.folder / name  # erased with the log that it stands for
    if not made.exists():
        asyncio.run(projecting.prepare(settings))
        with common.child(MODULE, "decide", env=servers.environment(settings)) as deciding:
            asyncio.run(_append(settings, _exchanges(facts)))
            deciding.ask("all is there")
        made.touch()
    return settings


def _exchanges(facts: int) -> int:
    return max(facts // (BEGIN + FACTS), (facts - BEGIN * CHATS) // FACTS)


async def _append(settings: Settings, exchanges: int) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap, linger_ms=5, max_batch_size=1 << 20
    )
    await producer.start()
    topic = Topics(settings.topic_prefix).inbox
    for record in Talk(exchanges, clock.now()).inputs():
        await producer.send(topic, record.value, key=record.key, headers=record.headers)
    await producer.flush()
    await producer.stop()


async def decide() -> None:
    """Decide what comes until told that all is there, and then to its end."""
    settings, reached = settings_module.load(), 0

    def note(position: int) -> None:
        nonlocal reached
        reached = position

    deciding = asyncio.create_task(decider.ours(settings, note))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    ends = await projecting.ends(settings, Topics(settings.topic_prefix).inbox)
    while reached < sum(ends.values()) and not deciding.done():
        await asyncio.sleep(0.05)
    deciding.cancel()
    print(codec.dumps({"inputs": reached}).decode(), flush=True)


if __name__ == "__main__":
    collector.relax()
    uvloop.run(decide())
