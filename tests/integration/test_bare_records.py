"""Records without aiokafka's copy of each have what the copies have."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import ConsumerRecord

from chatfold.settings import Settings
from projections.bare_records import bare
from projections.registry import LogRecord
from tests.support import facts, projecting


async def read(settings: Settings, topic: str, *, bared: bool) -> list[LogRecord]:
    """All of a log in which transactions were aborted too, some records at a time."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    if bared:
        bare(consumer)
    found: list[LogRecord] = []
    for partition, end in sorted((await projecting.ends(settings, topic)).items()):
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        while await consumer.position(place) < end:
            polled = await consumer.getmany(place, timeout_ms=500, max_records=70)
            found += polled.get(place, [])
    await consumer.stop()
    return found


def told(record: LogRecord) -> tuple[object, ...]:
    headers = list(record.headers)
    return record.offset, record.timestamp, record.key, record.value, headers


async def test_they_are_the_same_records_and_never_copies(settings: Settings) -> None:
    log = facts.log(3, chats=12, facts=1500)
    topic = await projecting.prepare(settings)
    await projecting.append(settings, log)
    plain = await read(settings, topic, bared=False)
    bared = await read(settings, topic, bared=True)
    assert len(bared) == len(log)
    assert [told(one) for one in bared] == [told(one) for one in plain]
    assert not any(isinstance(one, ConsumerRecord) for one in bared)
