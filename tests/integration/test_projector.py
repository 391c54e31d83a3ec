"""The projector on a real Kafka and PostgreSQL: the tables are the fold of the log."""

import asyncio
from dataclasses import replace as with_changes

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from chatfold import clock, database
from chatfold.settings import Settings
from chatfold.tenancy import record_of
from projections import registry
from projections.postgres import PostgresSink
from projections.registry import TABLES
from projections.sink import Fenced, Move, ProjectionRefused, SinkUnavailable
from schemas import envelope
from schemas.content import Content, MessageKind, Platform
from schemas.facts import ConversationOpened, MessageReceived
from schemas.tenants import Account, Tenant
from schemas.topics import Topics
from tests.support import facts, kafka, oracle, projecting, tables
from tests.support.pooler import pooled


async def wanted(settings: Settings, log: list) -> tables.Dump:
    schema = f"{settings.database_schema}_want"
    return await tables.expected(settings.database, schema, oracle.tables(log))


async def found(settings: Settings) -> tables.Dump:
    return await tables.dump(settings.database, settings.database_schema)


async def test_the_tables_are_the_fold_of_the_log_byte_for_byte(settings: Settings) -> None:
    log = facts.log(1, chats=25, facts=4000)
    await projecting.prepare(settings)
    await projecting.append(settings, log[:2500])
    async with projecting.consuming(settings):
        await projecting.append(settings, log[2500:], seed=1)
        await projecting.caught_up(settings)
    assert await found(settings) == await wanted(settings, log)


async def test_reading_the_whole_log_again_changes_nothing(settings: Settings) -> None:
    log = facts.log(2, chats=10, facts=1500)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    before = await found(settings)
    await forget_positions(settings)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    assert await found(settings) == before == await wanted(settings, log)


async def test_a_part_that_comes_again_takes_nothing_back(settings: Settings) -> None:
    log = facts.log(13, chats=6, facts=900)
    topic = await projecting.prepare(settings)
    pool = await database.open_pool(settings.database)
    sink = sink_of(pool, settings)
    parts = (log, log[100:300], log[:500], log[40:41])
    for number, part in enumerate(parts):
        move = Move(topic=topic, partition=0, begin=number or None, end=number + 1)
        await sink.write(sink.prepare(part), move)
    await pool.close()
    assert await found(settings) == await wanted(settings, log)


async def test_projectors_that_come_and_go_share_the_work_without_a_double(
    settings: Settings,
) -> None:
    log = facts.log(3, chats=30, facts=5000)
    await projecting.prepare(settings)
    async with projecting.consuming(settings):
        await projecting.append(settings, log[:1500])
        async with projecting.consuming(settings):
            await projecting.append(settings, log[1500:3000], seed=1)
            async with projecting.consuming(settings):
                await projecting.append(settings, log[3000:4000], seed=2)
        await projecting.append(settings, log[4000:], seed=3)
        await projecting.caught_up(settings)
    assert await found(settings) == await wanted(settings, log)


async def test_a_read_log_has_no_lag_even_where_it_ends_in_marks(settings: Settings) -> None:
    topic = await projecting.prepare(settings)
    async with projecting.consuming(settings):
        await projecting.append(settings, facts.log(4, chats=3, facts=50))
        await projecting.caught_up(settings)
        ends = await projecting.ends(settings, topic)
        read = [number for number, end in ends.items() if end]
        for name in ("chatfold_projection_lag_records", "chatfold_projection_lag_seconds"):
            values = [gauge(name, number) for number in read]
            assert values == [0.0] * len(read)
    assert await projecting.positions(settings) == {number: ends[number] for number in read}


async def test_kafka_is_told_the_position_for_the_tools_that_look_there(
    settings: Settings,
) -> None:
    topic = await projecting.prepare(settings)
    await projecting.append(settings, facts.log(5, chats=3, facts=50))
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    told = await projecting.committed(settings, TABLES.name)
    ends = await projecting.ends(settings, topic)
    assert told == {number: end for number, end in ends.items() if end}


async def test_a_position_that_the_log_does_not_hold_any_more_ends_the_role(
    settings: Settings,
) -> None:
    topic = await projecting.prepare(settings)
    await projecting.append(settings, facts.log(6, chats=3, facts=200))
    await projecting.truncate(settings, topic)
    with pytest.raises(ProjectionRefused, match=r"but the log holds offsets [1-9]\d* to"):
        await run_to_the_end(settings)
    assert await projecting.positions(settings) == {}


async def test_a_log_that_ends_before_the_position_ends_the_role(settings: Settings) -> None:
    topic = await projecting.prepare(settings)
    pool = await database.open_pool(settings.database, kept=1, extra=1)
    sink = sink_of(pool, settings)
    await sink.write(sink.prepare(()), Move(topic=topic, partition=0, begin=None, end=7))
    await pool.close()
    with pytest.raises(ProjectionRefused, match="up to offset 7, but the log holds offsets 0 to 0"):
        await run_to_the_end(settings)


async def test_a_fact_that_cannot_be_read_ends_the_role_and_is_not_skipped(
    settings: Settings,
) -> None:
    log = facts.log(7, chats=1, facts=20)
    topic = await projecting.prepare(settings)
    records = [envelope.encode(fact) for fact in log[1:]]
    strange = [
        ("ce_type", b"MessageSent.v99") if h[0] == "ce_type" else h for h in records[5].headers
    ]
    await kafka.produce(settings, topic, [*records[:5], replace(records[5], headers=strange)])
    with pytest.raises(ProjectionRefused, match=r"cannot read .* offset 5: .*MessageSent\.v99"):
        await run_to_the_end(settings)
    assert set((await projecting.positions(settings)).values()) <= {5}


async def test_another_writer_of_the_partition_is_noticed_before_any_row(
    settings: Settings,
) -> None:
    topic = await projecting.prepare(settings)
    pool = await database.open_pool(settings.database, kept=1, extra=3)
    zombie, successor = sink_of(pool, settings), sink_of(pool, settings)
    log = facts.log(8, chats=2, facts=60)
    first = Move(topic=topic, partition=0, begin=None, end=30)
    await zombie.write(zombie.prepare(log[:30]), first)
    with pytest.raises(Fenced):
        await successor.write(successor.prepare(log[:30]), first)
    await successor.write(
        successor.prepare(log[30:]), Move(topic=topic, partition=0, begin=30, end=60)
    )
    late = Move(topic=topic, partition=0, begin=30, end=45)
    with pytest.raises(Fenced):
        await zombie.write(zombie.prepare(log[30:45]), late)
    await pool.close()
    assert await found(settings) == await wanted(settings, log)


async def test_two_writers_at_once_never_deadlock_and_one_wins(settings: Settings) -> None:
    topic = await projecting.prepare(settings)
    pool = await database.open_pool(settings.database, kept=1, extra=9)
    log = facts.log(9, chats=4, facts=400)
    sink = sink_of(pool, settings)
    for start in range(0, 400, 50):
        move = Move(topic=topic, partition=0, begin=start or None, end=start + 50)
        writes = [sink.write(sink.prepare(log[start : start + 50]), move) for _ in range(4)]
        ended = await asyncio.gather(*writes, return_exceptions=True)
        assert [type(one) for one in ended if one] == [Fenced] * 3
    await pool.close()
    assert await found(settings) == await wanted(settings, log[:400])


async def test_a_position_moved_by_somebody_else_is_taken_up(settings: Settings) -> None:
    log = facts.log(10, chats=10, facts=1000)
    await projecting.prepare(settings)
    async with projecting.consuming(settings):
        await projecting.append(settings, log[:500])
        await projecting.caught_up(settings)
        await forget_positions(settings)
        await projecting.append(settings, log[500:], seed=1)
        await projecting.caught_up(settings)
    assert await found(settings) == await wanted(settings, log)


async def test_it_works_behind_a_pooler_that_hands_out_sessions_by_transaction(
    settings: Settings,
) -> None:
    log = facts.log(11, chats=10, facts=1500)
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with (
        pooled(settings.database) as url,
        projecting.consuming(settings.model_copy(update={"database_url": url})),
    ):
        await projecting.caught_up(settings)
        guest = await database.connect(url)
        paths = {await guest.fetchval("SHOW search_path") for _ in range(6)}
        await guest.close()
    assert await found(settings) == await wanted(settings, log)
    assert paths == {'"$user", public'}  # nothing of ours is left in anybody's session


async def test_rows_of_another_version_of_the_projection_are_not_mixed_with_ours(
    settings: Settings,
) -> None:
    await projecting.prepare(settings)
    pool = await database.open_pool(settings.database, kept=1, extra=1)
    await sink_of(pool, settings).start()
    await sink_of(pool, settings).start()
    ours, theirs = TABLES.version, TABLES.version + 1
    newer = PostgresSink(
        pool, settings.database_schema, with_changes(TABLES, version=theirs), reach=lambda _: None
    )
    told = f"are of version {ours}, this program makes version {theirs}"
    with pytest.raises(ProjectionRefused, match=told):
        await newer.start()
    await pool.close()


async def test_a_database_that_is_away_is_waited_for(settings: Settings) -> None:
    nowhere = settings.model_copy(update={"database_url": "postgresql://x@127.0.0.1:1/x"})
    pool = await database.open_pool(nowhere.database, kept=0, extra=1)
    with pytest.raises(SinkUnavailable):
        await sink_of(pool, settings).start()
    consumer, stop = projecting.tables_consumer(settings, pool), asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))
    async with asyncio.timeout(20):
        while "Connect call failed" not in "".join(consumer.unready()):
            await asyncio.sleep(0.05)
    stop.set()
    await running
    await pool.close()


async def test_of_two_messages_that_claim_one_platform_id_the_first_has_it(
    settings: Settings,
) -> None:
    """As when a provider echoes what we sent before it tells us the name it has given it."""
    log = facts.collision()
    await projecting.prepare(settings)
    await projecting.append(settings, log)
    async with projecting.consuming(settings):
        await projecting.caught_up(settings)
    rows = await named(settings)
    assert rows == {str(log[-2].data.message_id): "wamid.echo", log[-1].data.reply_id: None}


@pytest.mark.parametrize(
    "words",
    [
        "\x00",
        "word" * 500_000,
        " ".join(f"{number:x}\U0001f363" for number in range(300_000)),
        "\u202e\u0645\u0631\u062d\u0628\u0627\ufeff",
        "{\\u0000}" * 10,
    ],
    ids=["nul", "one endless word", "many words", "right to left", "escapes"],
)
async def test_whatever_people_send_can_be_stored(settings: Settings, words: str) -> None:
    log = facts.log(14, chats=1, facts=12)
    at = next(n for n, one in enumerate(log) if isinstance(one.data, MessageReceived))
    content = Content(
        kind=MessageKind.INTERACTIVE, text=words, caption=words, structured={words: [words]}
    )
    received = replace(log[at].data, content=content, platform_message_id=words, reply_to=words)
    log = [one for one in log[:at] if one.sequence] + [replace(log[at], data=received)]
    topic = await projecting.prepare(settings)
    pool = await database.open_pool(settings.database)
    sink = sink_of(pool, settings)
    await sink.write(sink.prepare(log), Move(topic=topic, partition=0, begin=None, end=1))
    await pool.close()
    rows = (await found(settings))["messages"]
    assert len(rows) == 1


async def test_rows_that_cannot_be_written_end_the_role_without_quoting_them(
    settings: Settings,
) -> None:
    log = facts.log(15, chats=1, facts=12)
    opened = next(one for one in log if isinstance(one.data, ConversationOpened))
    second = replace(opened, data=replace(opened.data, conversation_id=log[0].chat_id), sequence=99)
    topic = await projecting.prepare(settings)
    pool = await database.open_pool(settings.database)
    sink = sink_of(pool, settings)
    move = Move(topic=topic, partition=0, begin=None, end=1)
    with pytest.raises(ProjectionRefused, match="one_not_closed") as refused:
        await sink.write(sink.prepare([*log, second]), move)
    await pool.close()
    assert topic in str(refused.value)
    assert opened.chat_id not in str(refused.value)
    assert await projecting.positions(settings) == {}


async def test_tenants_stand_as_they_were_last_recorded(settings: Settings) -> None:
    account = Account(
        provider="telegram",
        account="77",
        platform=Platform.TELEGRAM,
        credentials={"token": "env:BOT_TOKEN"},
    )
    acme = Tenant(tenant_id="acme", name="Acme", accounts=(account,))
    gone = record_of(Tenant(tenant_id="gone", name="Gone"), clock.now())
    await projecting.prepare(settings)
    topic = Topics(settings.topic_prefix).tenants
    records = [record_of(one, clock.now()) for one in (acme, acme.model_copy(update={"name": "A"}))]
    removal = replace(gone, value=None)
    await kafka.produce(settings, topic, [*records, gone, removal])
    async with projecting.consuming(settings, registry.TENANTS):
        await projecting.caught_up(settings, projection=registry.TENANTS)
    rows = await tenants(settings)
    assert [(row["tenant_id"], row["name"], row["removed"]) for row in rows] == [
        ("acme", "A", False),
        ("gone", "Gone", True),
    ]
    assert "BOT_TOKEN" not in repr(rows)


def sink_of(pool: database.Pool, settings: Settings) -> PostgresSink:
    return PostgresSink(pool, settings.database_schema, TABLES, reach=lambda _: None)


def gauge(name: str, partition: int) -> float | None:
    return REGISTRY.get_sample_value(name, {"projection": TABLES.name, "partition": str(partition)})


async def run_to_the_end(settings: Settings) -> None:
    async with asyncio.timeout(30), projecting.consuming(settings):
        await asyncio.Event().wait()


async def forget_positions(settings: Settings) -> None:
    connection = await database.connect(settings.database)
    await connection.execute(f"DELETE FROM {settings.database_schema}.projection_offsets")
    await connection.close()


async def named(settings: Settings) -> dict[str, str | None]:
    connection = await database.connect(settings.database)
    rows = await connection.fetch(
        "SELECT message_id::text, platform_message_id AS name"
        f" FROM {settings.database_schema}.messages ORDER BY last_seq DESC LIMIT 2"
    )
    await connection.close()
    return {row["message_id"]: row["name"] for row in rows}


async def tenants(settings: Settings) -> list:
    connection = await database.connect(settings.database)
    rows = await connection.fetch(
        f"SELECT *, removed_at IS NOT NULL AS removed FROM {settings.database_schema}.tenants"
        " ORDER BY tenant_id"
    )
    await connection.close()
    return rows
