"""Records of versions that the program does not read, and programs that read them after all."""

from collections.abc import Iterable
from types import SimpleNamespace

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from msgspec.structs import replace

from chatfold.settings import Settings
from schemas import envelope
from schemas.envelope import Record
from schemas.upcasting import OLDER, Upcaster, registry
from tests.support import kafka, projecting


def typed(record: Record, name: str, value: bytes | None = None) -> Record:
    """The record as one of another type."""
    headers = [
        (header, name.encode() if header == "ce_type" else told) for header, told in record.headers
    ]
    return replace(record, headers=headers, value=record.value if value is None else value)


def reading(*upcasters: Upcaster) -> SimpleNamespace:
    """The envelope of a release in which these versions can be read too."""
    known = OLDER | registry(*upcasters)

    def decode(types: object, *, value: object, headers: object) -> object:
        return envelope.decode(types, value=value, headers=headers, older=known)

    return SimpleNamespace(decode=decode, encode=envelope.encode)


async def written_later(settings: Settings, topic: str) -> list[Record]:
    """Let what is in the topic have been written by a later program; returns what it was."""
    found = [
        Record(one.key, one.value, list(one.headers))
        for one in await kafka.read_all(settings, topic)
    ]
    await _forget(settings, topic)
    await kafka.produce(settings, topic, _later(found))
    return found


def _later(records: Iterable[Record]) -> list[Record]:
    names = [dict(record.headers)["ce_type"].decode() for record in records]
    return [
        typed(record, f"{name.rpartition('.')[0]}.v99", b'{"later":true}')
        for record, name in zip(records, names, strict=True)
    ]


async def _forget(settings: Settings, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    try:
        await admin.start()
        ends = await projecting.ends(settings, topic)
        await admin.delete_records(
            {
                TopicPartition(topic, one): RecordsToDelete(before_offset=end)
                for one, end in ends.items()
            }
        )
    finally:
        await admin.close()
