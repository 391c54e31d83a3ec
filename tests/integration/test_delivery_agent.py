"""The delivery agent as a process, on real Kafka and PostgreSQL, with the sandbox as provider."""

import asyncio
import re
import signal
import time
import urllib.request
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from chatfold.sandbox import Fault, Match
from chatfold.settings import Settings
from chatfold.stack import Stack
from schemas import envelope
from schemas.content import SendOutcome
from schemas.dead_letters import ORIGIN, REASON
from schemas.envelope import Record
from schemas.topics import Topics
from tests.support import agents, kafka, roles, servers
from tests.support.agents import Agent
from tests.support.stage import Scene, staged

SENT, FAILED, SAVED_ONLY = SendOutcome.SENT, SendOutcome.FAILED, SendOutcome.SAVED_ONLY


@pytest.fixture
async def scene(settings: Settings, tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(settings, tmp_path / "agent.log") as ready:
        yield ready


async def test_replies_are_sent_in_the_order_of_their_chat_and_reported(scene: Scene) -> None:
    orders = [
        agents.order(chat, number, provider="telegram" if chat % 2 else "whatsapp_cloud")
        for number in range(10)
        for chat in range(20)
    ]
    await agents.produce(scene.settings, orders)
    with roles.running(scene.agent()):
        told = await agents.reported(scene.settings, orders)
    assert {one.outcome for one in told.values()} == {SENT}
    assert all(one.platform_message_id and one.http_status == 200 for one in told.values())
    for chat in range(20):
        assert scene.got(chat) == [f"chat {chat} reply {number}" for number in range(10)]


async def test_one_send_at_a_time_leaves_for_a_chat(settings: Settings, tmp_path: Path) -> None:
    async with staged(settings, tmp_path / "agent.log", latency=0.1) as scene:
        orders = [agents.order(chat, number) for number in range(6) for chat in range(3)]
        await agents.produce(settings, orders)
        with roles.running(scene.agent()):
            await agents.reported(settings, orders)
        for chat in range(3):
            times = [one.received_at for one in scene.box.journal.find(to=agents.person(chat))]
            gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
            assert min(gaps) > 0.1


async def test_a_slow_chat_delays_no_other(scene: Scene) -> None:
    scene.box.faults.add(Fault(fault="slow", delay=8, match=Match(to=agents.person(0))))
    slow = [agents.order(0, number) for number in range(30)]
    others = [agents.order(chat, 0) for chat in range(1, 300)]
    await agents.produce(scene.settings, [*slow, *others])
    with roles.running(scene.agent()):
        await agents.reported(scene.settings, others)
        assert scene.got(0) == []
        told = await agents.reported(scene.settings, slow)
    assert {one.outcome for one in told.values()} == {SENT}
    assert scene.got(0) == [f"chat 0 reply {number}" for number in range(30)]


async def test_aborted_orders_never_were_and_offsets_pass_what_transactions_leave(
    scene: Scene,
) -> None:
    batches = [
        [agents.order(chat, number) for number in range(part, part + 5) for chat in range(40)]
        for part in (0, 5)
    ]
    for orders in batches:
        await agents.produce_in_transactions(scene.settings, orders, size=7, abort_every=3)
        ends = await agents.ends(scene.settings)
        with roles.running(scene.agent("first")):
            told = await agents.reported(scene.settings, orders)
            assert {one.outcome for one in told.values()} == {SENT}
            await _committed_up_to(scene.settings, ends)
    assert scene.box.journal.summary()["accepted"] == 400
    letters = await kafka.read_all(scene.settings, Topics(scene.settings.topic_prefix).dead_letters)
    assert letters == []


async def _committed_up_to(settings: Settings, ends: dict[int, int]) -> None:
    """At the tail there may be a marker, or an aborted order and two markers, never committed."""

    async def met() -> bool:
        committed = await agents.committed(settings)
        return all(ends[number] - offset <= 3 for number, offset in committed.items())

    await agents.eventually(met, f"offsets near {ends}", 30)


FAULTS = {
    "429": (FAILED, "throttled", True, 429),
    "500": (FAILED, "provider_down", True, 500),
    "401": (FAILED, "unauthenticated", False, 401),
    "403": (FAILED, "unauthenticated", False, 403),
    "cut_before_read": (SAVED_ONLY, "connection_lost", False, None),
    "cut_after_read": (SAVED_ONLY, "connection_lost", False, None),
    "lost_answer": (SAVED_ONLY, "connection_lost", False, None),
    "malformed": (SAVED_ONLY, "malformed_answer", False, 200),
    "slow": (SAVED_ONLY, "timeout", False, None),
}


async def test_each_fault_has_its_outcome_and_nothing_is_sent_again(scene: Scene) -> None:
    orders = {name: agents.order(chat, 0) for chat, name in enumerate(FAULTS)}
    for chat, name in enumerate(FAULTS):
        match = Match(to=agents.person(chat))
        scene.box.faults.add(Fault(fault=name, match=match, retry_after=9, delay=30))
    await agents.produce(scene.settings, orders.values())
    with roles.running(scene.agent(TEST_HTTP_SECONDS="2")):
        told = await agents.reported(scene.settings, list(orders.values()))
    for name, (outcome, code, retryable, status) in FAULTS.items():
        report = told[orders[name].data.reply_id]
        found = (report.outcome, report.error_code, report.retryable, report.http_status)
        assert found == (outcome, code, retryable, status), name
        assert report.error_message
    assert told[orders["429"].data.reply_id].retry_after_seconds == 9
    requests = list(scene.box.journal.find())
    assert agents.most(one.to for one in requests) == 1
    said = scene.log.read_text() + str(told)
    assert not any(token in said for token in agents.TOKENS.values())


async def test_what_nobody_configured_fails_and_holds_nobody_up(scene: Scene) -> None:
    orders = [
        agents.order(1, 0, account="nobody"),
        agents.order(2, 0, provider="telegram", account="99"),
        agents.order(3, 0, provider="carrier_pigeon", account="1"),
        agents.order(4, 0),
    ]
    await agents.produce(scene.settings, orders)
    with roles.running(scene.agent()):
        told = await agents.reported(scene.settings, orders)
    reports = [told[one.data.reply_id] for one in orders]
    assert [one.error_code for one in reports] == ["not_configured"] * 3 + [None]
    assert [one.outcome for one in reports] == [FAILED] * 3 + [SENT]
    assert not any(one.retryable for one in reports)
    assert "bot_token" in str(reports[1].error_message)


async def test_a_tenant_that_is_configured_while_the_agent_runs_is_served_at_once(
    scene: Scene,
) -> None:
    with roles.running(agent := scene.agent()):
        await asyncio.to_thread(agent.wait_ready)
        changed = agents.tenant(scene.box.whatsapp_url, scene.box.telegram_url)
        moved = changed.accounts[0].model_copy(update={"account": "1666"})
        await kafka.prepare(
            scene.settings, changed.model_copy(update={"accounts": (*changed.accounts, moved)})
        )
        orders = [agents.order(1, 0, account="1666")]
        await agents.produce(scene.settings, orders)
        told = await agents.reported(scene.settings, orders)
    assert [one.outcome for one in told.values()] == [SENT]


async def test_a_provider_that_nobody_can_connect_to_may_be_tried_again(
    settings: Settings, tmp_path: Path
) -> None:
    async with staged(settings, tmp_path / "agent.log") as scene:
        pass
    orders = [agents.order(1, 0), agents.order(2, 0, provider="telegram")]
    await agents.produce(settings, orders)
    with roles.running(scene.agent()):
        told = await agents.reported(settings, orders)
    found = {(one.outcome, one.error_code, one.retryable) for one in told.values()}
    assert found == {(FAILED, "provider_down", True)}


async def test_what_cannot_be_read_becomes_a_dead_letter_and_is_not_acknowledged_early(
    scene: Scene,
) -> None:
    topics = Topics(scene.settings.topic_prefix)
    scene.box.faults.add(Fault(fault="slow", delay=3, match=Match(text="reply 0")))
    good = [agents.order(chat, number) for number in range(2) for chat in range(8)]
    records = [envelope.encode(one) for one in good]
    key = records[0].key
    question = [("ce_type", b"AnswerQuestion.v1"), *records[0].headers]
    bad = [
        Record(key, b"not json", records[0].headers),
        Record(key, None, []),
        Record(key, records[0].value, []),
        Record(key, b'{"question_id":"q","question":"view_stats"}', _typed(records[0], question)),
    ]
    await kafka.produce(scene.settings, topics.work_delivery, [*records[:8], *bad, *records[8:]])
    with roles.running(scene.agent()):
        told = await agents.reported(scene.settings, good)
    assert {one.outcome for one in told.values()} == {SENT}
    letters = await kafka.read_all(scene.settings, topics.dead_letters)
    assert [letter.value for letter in letters] == [one.value or b"" for one in bad]
    assert all(dict(letter.headers)[ORIGIN] for letter in letters)
    assert b"delivery agent" in dict(letters[-1].headers)[REASON]
    for chat in range(8):
        assert scene.got(chat) == [f"chat {chat} reply {number}" for number in range(2)]


def _typed(record: Record, headers: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [one for one in headers if one != ("ce_type", dict(record.headers)["ce_type"])]


async def test_told_to_stop_it_finishes_what_is_in_flight_and_leaves_the_rest(
    settings: Settings, tmp_path: Path
) -> None:
    async with staged(settings, tmp_path / "agent.log") as scene:
        orders = [agents.order(chat, number) for number in range(10) for chat in range(50)]
        await agents.produce(settings, orders)
        scene.box.faults.add(Fault(fault="slow", delay=2, times=None))  # 20 s for all of a chat's
        with roles.running(first := scene.agent()):
            await scene.arrived(60)
            began = time.monotonic()
            await asyncio.to_thread(first.kill, signal.SIGTERM)
            assert time.monotonic() - began < 10
            assert first.wait_ended() == 0
        scene.box.faults.clear()
        reported, received = await agents.reports(settings), scene.box.journal.summary()["received"]
        assert len(reported) == received < 500
        with roles.running(scene.agent()):
            told = await agents.reported(settings, orders)
        assert {one.outcome for one in told.values()} == {SENT}
        assert scene.box.journal.summary()["accepted"] == 500


async def test_without_kafka_it_ends_with_an_error(scene: Scene) -> None:
    nowhere = scene.settings.model_copy(
        update={"kafka_bootstrap": f"127.0.0.1:{roles.free_port()}"}
    )
    assert Agent("delivery", nowhere, scene.log).wait_ended(60) != 0


async def test_it_tells_how_it_does_and_is_deaf_to_variables_meant_for_other_programs(
    scene: Scene,
) -> None:
    orders = [agents.order(chat, 0) for chat in range(5)]
    stray = {"BROKER_URL": "kafka://127.0.0.1:1", "PRODUCER_ACKS": "0", "APP_DATADIR": "/nowhere"}
    with roles.running(agent := scene.agent(**stray)):
        await asyncio.to_thread(agent.wait_ready)
        await agents.produce(scene.settings, orders)
        await agents.reported(scene.settings, orders)

        async def told() -> bool:
            return 'chatfold_agent_lag_records{agent="delivery",partition="0"} 0.0' in _get(agent)

        await agents.eventually(told, "no lag")
        metrics = _get(agent)
    sends = 'chatfold_delivery_sends_total{code="",outcome="sent",provider="whatsapp_cloud"} 5.0'
    assert sends in metrics
    assert 'chatfold_end_to_end_seconds_count{provider="whatsapp_cloud"} 5.0' in metrics
    assert "4900000" not in metrics


def _get(agent: Agent) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{agent.port}/metrics", timeout=5) as answer:
        return answer.read().decode()


def _vain_claims(agent: Agent) -> float:
    found = re.search(r'chatfold_ledger_failures_total\{operation="claim"\} (\S+)', _get(agent))
    return float(found[1]) if found else 0.0


@pytest.mark.slow
async def test_while_postgres_is_away_nothing_is_sent_and_nothing_is_lost(
    own_servers: Stack, tmp_path: Path
) -> None:
    settings = servers.isolated(own_servers.settings, "away", tmp_path)
    async with staged(settings, tmp_path / "agent.log") as scene:
        before = [agents.order(chat, 0) for chat in range(10)]
        during = [agents.order(chat, number) for number in (1, 2) for chat in range(300)]
        with roles.running(agent := scene.agent()):
            await asyncio.to_thread(agent.wait_ready)
            await agents.produce(settings, before)
            await agents.reported(settings, before)
            await asyncio.to_thread(own_servers.postgres.stop)
            await agents.produce(settings, during)

            async def waits() -> bool:
                return _vain_claims(agent) >= 3

            await agents.eventually(waits, "three vain claims")
            assert scene.box.journal.summary()["received"] == 10
            await asyncio.to_thread(own_servers.postgres.start)
            told = await agents.reported(settings, during)
        assert {one.outcome for one in told.values()} == {SENT}
        for chat in range(10):
            assert scene.got(chat) == [f"chat {chat} reply {number}" for number in range(3)]


@pytest.mark.slow
async def test_told_to_stop_while_postgres_is_away_it_goes_and_sends_nothing(
    own_servers: Stack, tmp_path: Path
) -> None:
    settings = servers.isolated(own_servers.settings, "gone", tmp_path)
    async with staged(settings, tmp_path / "agent.log") as scene:
        orders = [agents.order(chat, 0) for chat in range(300)]
        with roles.running(agent := scene.agent()):
            await asyncio.to_thread(agent.wait_ready)
            await asyncio.to_thread(own_servers.postgres.stop)
            try:
                await agents.produce(settings, orders)

                async def waits() -> bool:
                    return _vain_claims(agent) >= 1

                await agents.eventually(waits, "a vain claim")
                await asyncio.to_thread(agent.kill, signal.SIGTERM)
                assert agent.wait_ended() == 0
            finally:
                await asyncio.to_thread(own_servers.postgres.start)
        assert scene.box.journal.summary()["received"] == 0
        with roles.running(scene.agent()):
            told = await agents.reported(settings, orders)
        assert {one.outcome for one in told.values()} == {SENT}
