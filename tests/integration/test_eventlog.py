"""What the event log acknowledges is in the log, whatever happens to the broker."""

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from chatfold import topics
from chatfold.eventlog import (
    MAX_RECORD_BYTES,
    AppendFailed,
    EventLog,
    KafkaUnreachable,
    Overloaded,
    RecordTooLarge,
    partition_of,
)
from chatfold.settings import Settings
from chatfold.stack import Stack
from schemas.topics import Topics
from tests.support import servers as support
from tests.support.records import chat, held, record


@contextlib.asynccontextmanager
async def opened(settings: Settings, **options: int) -> AsyncIterator[EventLog]:
    await topics.apply(topics.plan(settings))
    log = EventLog(settings.bootstrap, **{"max_pending_bytes": 64_000_000, **options})
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


def inbox_of(settings: Settings) -> str:
    return Topics(settings.topic_prefix).inbox


async def numbers(settings: Settings) -> list[int]:
    return [int(one.value) for one in await held(settings.bootstrap, inbox_of(settings))]


async def test_what_is_acknowledged_is_in_the_log_once_with_key_and_headers(settings: Settings):
    async with opened(settings) as log:
        await log.append(inbox_of(settings), [record(1), record(2)], 5)
        found = await held(settings.bootstrap, inbox_of(settings))
    assert {(one.key, one.value, one.headers) for one in found} == {
        (chat(1), b"1", (("ce_id", b"1"),)),
        (chat(2), b"2", (("ce_id", b"2"),)),
    }
    assert log.pending_bytes == 0


async def test_appends_at_once_share_batches_and_each_chat_keeps_its_order(settings: Settings):
    async with opened(settings) as log:
        inbox = inbox_of(settings)
        await asyncio.gather(*(log.append(inbox, [record(n)], 10) for n in range(3000)))
        found = await held(settings.bootstrap, inbox)
    assert len(found) == 3000
    for number in range(7):
        mine = [int(one.value) for one in found if one.key == chat(number)]
        assert mine == sorted(mine)


async def test_a_record_of_nearly_four_megabytes_goes_alone_and_a_larger_one_is_refused(
    settings: Settings,
):
    async with opened(settings) as log:
        inbox, large = inbox_of(settings), MAX_RECORD_BYTES - 600
        await log.append(inbox, [record(1), record(2, size=large), record(3)], 10)
        with pytest.raises(RecordTooLarge, match="are allowed"):
            await log.append(inbox, [record(4), record(5, size=large + 601)], 10)
    assert sorted(await numbers(settings)) == [1, 2, 3]


async def test_past_the_bound_nothing_is_taken_and_afterwards_all_is_as_before(settings: Settings):
    async with opened(settings, max_pending_bytes=100_000) as log:
        inbox = inbox_of(settings)
        appends = [log.append(inbox, [record(n, size=10_000)], 5) for n in range(100)]
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
        refused = [one for one in outcomes if isinstance(one, Overloaded)]
        assert len(refused) == 100 - 9
        await log.append(inbox, [record(100)], 5)
    assert sorted(await numbers(settings)) == [*range(9), 100]


async def test_a_waiter_that_is_cancelled_takes_nobody_with_it(settings: Settings):
    async with opened(settings) as log:
        inbox = inbox_of(settings)
        tasks = [asyncio.create_task(log.append(inbox, [record(0)], 5)) for _ in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in outcomes if one] == [asyncio.CancelledError]
        assert log.pending_bytes == 0


async def test_a_stopped_log_finishes_what_it_has_and_takes_nothing_new(settings: Settings):
    async with opened(settings) as log:
        inbox = inbox_of(settings)
        await log.prepare(inbox, 5)
        tasks = [asyncio.create_task(log.append(inbox, [record(n)], 5)) for n in range(500)]
        await asyncio.sleep(0)
        await log.stop()
        await asyncio.gather(*tasks)
        with pytest.raises(AppendFailed, match="being closed"):
            await log.append(inbox, [record(501)], 5)
    assert sorted(await numbers(settings)) == list(range(500))


async def test_an_unknown_topic_is_a_failure_in_bounded_time(settings: Settings):
    async with opened(settings) as log:
        with pytest.raises(AppendFailed, match="partitions of nowhere are unknown"):
            await log.append("nowhere", [record(1)], 0.5)


async def test_a_gap_in_the_numbers_of_the_producer_is_healed_by_a_new_one(settings: Settings):
    """As after an expired batch: the broker refuses all that follows, for ever."""
    async with opened(settings) as log:
        inbox = inbox_of(settings)
        await log.append(inbox, [record(0)], 5)
        numbered = log._producer._kafka._txn_manager._sequence_numbers
        for partition in numbered:
            numbered[partition] += 5
        with pytest.raises(AppendFailed, match="OutOfOrderSequenceNumber"):
            await log.append(inbox, [record(0)], 5)
        await log.append(inbox, [record(0)], 5)
    assert await numbers(settings) == [0, 0]


async def test_after_two_thousand_million_records_a_new_producer_takes_over(settings: Settings):
    """Kafka's numbers end at 2**31 - 1, and aiokafka 0.14.0 goes on with negative ones."""
    async with opened(settings) as log:
        inbox = inbox_of(settings)
        await log.append(inbox, [record(0)], 5)
        numbered = log._producer._kafka._txn_manager._sequence_numbers
        places = [partition_of(chat(n), settings.partitions) for n in range(7)]
        fresh = next(number for number, place in enumerate(places) if place != places[0])
        numbered[(inbox, places[fresh])] = 2**31 - 2
        outcomes = [await _outcome(log, inbox, fresh) for _ in range(6)]
        assert outcomes.count(None) >= 4
        assert outcomes[-1] is None
    assert Counter(await numbers(settings))[fresh] == outcomes.count(None)


async def _outcome(log: EventLog, topic: str, number: int) -> str | None:
    try:
        await log.append(topic, [record(number)], 10)
    except AppendFailed as failure:
        return str(failure)
    return None


async def test_where_no_kafka_listens_the_start_fails_with_one_sentence():
    with pytest.raises(KafkaUnreachable, match="CHATFOLD_KAFKA_BOOTSTRAP"):
        await EventLog("127.0.0.1:9", max_pending_bytes=1024).start()


@pytest.mark.slow
async def test_a_frozen_broker_is_a_failure_in_bounded_time_and_thawed_all_works_again(
    own_servers: Stack,
):
    settings = support.isolated(own_servers.settings, "frozen", own_servers.home)
    async with opened(settings) as log:
        inbox = inbox_of(settings)
        await log.append(inbox, [record(0)], 5)
        own_servers.kafka.kill(signal.SIGSTOP)
        try:
            began = time.monotonic()
            appends = [log.append(inbox, [record(n)], 1) for n in range(1, 50)]
            outcomes = await asyncio.gather(*appends, return_exceptions=True)
            assert {type(one) for one in outcomes} == {AppendFailed}
            assert time.monotonic() - began < 2
            with pytest.raises(KafkaUnreachable):
                await log.reach(0.2)
        finally:
            own_servers.kafka.kill(signal.SIGCONT)
        await _until_appended(log, inbox, 50)
        assert log.pending_bytes == 0
        await log.reach(5)
    found = Counter(await numbers(settings))
    assert found[0] == 1
    assert max(found.values()) == 1


@pytest.mark.slow
async def test_a_broker_killed_under_load_loses_nothing_that_was_acknowledged(own_servers: Stack):
    settings = support.isolated(own_servers.settings, "killed", own_servers.home)
    acknowledged: set[int] = set()
    async with opened(settings, max_pending_bytes=1_000_000) as log:
        inbox = inbox_of(settings)
        load = [asyncio.create_task(_load(log, inbox, n, acknowledged)) for n in range(20)]
        await _until(lambda: len(acknowledged) > 500)
        await asyncio.to_thread(own_servers.kafka.kill)
        await asyncio.to_thread(own_servers.up)
        before = len(acknowledged)
        await _until(lambda: len(acknowledged) > before + 500)
        for task in load:
            task.cancel()
        await asyncio.wait(load)
    found = Counter(await numbers(settings))
    assert acknowledged <= found.keys()
    assert max(found.values()) == 1


async def _load(log: EventLog, topic: str, first: int, acknowledged: set[int]) -> None:
    number = first
    while True:
        try:
            await log.append(topic, [record(number, size=500)], 0.5)
            acknowledged.add(number)
        except AppendFailed:
            await asyncio.sleep(0.01)
        number += 20


async def _until(holds) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.02)


async def _until_appended(log: EventLog, topic: str, number: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(AppendFailed):
                await log.append(topic, [record(number)], 5)
                return
