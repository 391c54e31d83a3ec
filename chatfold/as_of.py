"""A chat as it was at a moment: the fold of its facts up to then, from the log and no table."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from aiokafka import AIOKafkaConsumer

from chatfold import reading
from chatfold.eventlog import partition_of
from chatfold.settings import Settings
from projections.in_memory import MemoryTables, Row
from projections.queries import Found
from projections.registry import TABLES, decode_fact
from projections.rows import Cell
from schemas import facts, identity
from schemas.envelope import Recorded
from schemas.facts import Fact
from schemas.topics import Topics

Log = dict[str, list[Recorded[Fact]]]


async def chat(settings: Settings, chat_id: str, moment: datetime, limit: int) -> Found | None:
    """The chat that goes on for `chat_id` at `moment`, as `chats show` tells of it; or None."""
    log: Log = {}
    surviving = await _follow(settings, chat_id, moment, log)
    if not log[surviving]:
        return None
    names = _names(log[surviving])
    await _read(settings, names - log.keys(), moment, log)
    tables = MemoryTables(TABLES.tables)
    for name in (surviving, *sorted(names)):
        for fact in log[name]:
            tables.apply(TABLES.evolve(fact))
    return _told(tables, surviving, _kin(tables, surviving), limit)


async def _follow(settings: Settings, chat_id: str, moment: datetime, log: Log) -> str:
    """The chat that goes on: merged ones name it."""
    while chat_id not in log:
        await _read(settings, {chat_id}, moment, log)
        merged = (one.data.into for one in log[chat_id] if isinstance(one.data, facts.ChatMerged))
        chat_id = next(merged, chat_id)
    return chat_id


async def _read(settings: Settings, chats: Collection[str], moment: datetime, log: Log) -> None:
    """Add the facts of these chats up to `moment`."""
    log.update({chat_id: [] for chat_id in chats})
    if not chats:
        return
    topic = Topics(settings.topic_prefix).events
    count = await _partitions(settings.bootstrap, topic)
    keys = {chat_id.encode() for chat_id in chats}
    places = {partition_of(key, count) for key in keys}
    async for record in reading.read(settings.bootstrap, topic, places):
        if record.key in keys:
            fact = decode_fact(record)
            if fact.time <= moment:
                log[fact.chat_id].append(fact)


async def _partitions(bootstrap: str, topic: str) -> int:
    await reading.refuse_missing(bootstrap, topic)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        await consumer.start()
        return len(consumer.partitions_for_topic(topic) or ())
    finally:
        await consumer.stop()


def _names(log: Iterable[Recorded[Fact]]) -> set[str]:
    """The chats that the person may have had under other ids."""
    names: set[str] = set()
    started: facts.ChatStarted | None = None
    for one in log:
        match one.data:
            case facts.ChatStarted():
                started = one.data
            case facts.AliasLearned() | facts.ChatMoved() if started is not None:
                names.add(_chat_of(one.tenant, started, one.data.platform_user_id))
            case _:
                pass
    return names


def _chat_of(tenant: str, started: facts.ChatStarted, platform_user_id: str) -> str:
    return identity.chat_of(
        tenant=tenant,
        platform=started.platform,
        account=started.account,
        platform_user_id=platform_user_id,
    )


def _kin(tables: MemoryTables, surviving: str) -> set[str]:
    """The chat and those that were merged into it by then."""
    merged = {str(row["chat_id"]): row["merged_into"] for row in tables.of("chats")}
    kin = {surviving}
    while more := {one for one, into in merged.items() if into in kin} - kin:
        kin |= more
    return kin


def _told(tables: MemoryTables, surviving: str, kin: Collection[str], limit: int) -> Found | None:
    row = tables.rows["chats"].get((surviving,))
    if row is None:
        return None
    session = tables.rows["sessions"].get((surviving,), {})
    others = (one for one in tables.of("chats") if one["chat_id"] in kin and one is not row)
    talks = [one for one in tables.of("conversations") if one["chat_id"] in kin]
    numbers = {one["conversation_id"]: one["number"] for one in talks}
    said = [one for one in tables.of("messages") if one["chat_id"] in kin]
    return {
        **row,
        **{name: session.get(name) for name in ("pause_reason", "mode", "mode_until")},
        "is_paused": bool(session.get("is_paused")),
        "also_known_as": sorted(str(one["platform_user_id"]) for one in others),
        "conversations": sorted(talks, key=_started, reverse=True)[:limit],
        "messages": [
            {**one, "conversation": numbers.get(one["conversation_id"])}
            for one in sorted(said, key=lambda one: _created(one, numbers))[-limit:]
        ],
    }


def _started(row: Row) -> tuple[str, str, int]:
    return str(row["started_at"]), str(row["chat_id"]), int(str(row["number"]))


def _created(row: Row, numbers: Mapping[Cell, Cell]) -> tuple[str, str, int, int]:
    talk = numbers.get(row["conversation_id"])
    return str(row["created_at"]), str(row["chat_id"]), int(str(talk or 0)), int(str(row["number"]))
