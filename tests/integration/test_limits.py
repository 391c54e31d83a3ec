"""Limits that processes share through a real Valkey, which may go and come back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from chatfold.limits import LocalLimits, SharedLimits, opened, shared
from chatfold.stack.valkey import Valkey
from providers.rates import Rate
from streams.ports import Turn
from tests.support import servers

FAST = Rate(0.01, burst=1)


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    home = tmp_path_factory.mktemp("valkey")
    server = Valkey(home, servers.free_ports(home)["redis_port"])
    server.start()
    yield server
    server.stop()


class Processes:
    """Limits as several processes have them."""

    def __init__(self, stack: AsyncExitStack, url: str, prefix: str) -> None:
        self._stack = stack
        self.url = url
        self.prefix = prefix

    async def another(self) -> SharedLimits:
        one = await self._stack.enter_async_context(opened(self.url, self.prefix))
        assert isinstance(one, SharedLimits)
        return one


@pytest.fixture
async def processes(valkey: Valkey, request: pytest.FixtureRequest) -> AsyncIterator[Processes]:
    async with AsyncExitStack() as stack:
        yield Processes(stack, f"redis://127.0.0.1:{valkey.port}/0", request.node.name)


async def _send(limits: SharedLimits, key: str, until: float) -> list[float]:
    """When a process that has much to send was let send."""
    times = []
    while time.monotonic() < until:
        turn = await limits.book(key, FAST, longest=0.5)
        await asyncio.sleep(turn.wait)
        if isinstance(turn, Turn):
            times.append(time.monotonic())
    return times


async def test_processes_together_keep_to_the_rate(processes: Processes) -> None:
    both = [await processes.another(), await processes.another()]
    until = time.monotonic() + 2.0
    sent = await asyncio.gather(*[_send(one, "together", until) for one in both for _ in range(20)])
    first, second = sum(map(len, sent[:20])), sum(map(len, sent[20:]))
    assert 180 <= first + second <= 250  # who had a turn by the end took it
    assert min(first, second) > 40


async def test_a_process_knows_what_another_has_sent(processes: Processes) -> None:
    first, second = await processes.another(), await processes.another()
    slow = Rate(60.0, burst=2)
    assert [await _wait(first, "chat", slow) for _ in range(2)] == [0, 0]
    key = f"{processes.prefix}:limits:v1:bucket:chat"
    await _until_async(lambda: first._client.exists(key))
    assert await _wait(second, "chat", slow) == 0  # it has not heard of the other yet
    await _until(lambda: _ahead(second, "chat") > 175)
    assert await _wait(second, "chat", slow) > 115


async def test_no_two_processes_hand_out_the_same_turn(processes: Processes) -> None:
    both = [await processes.another(), await processes.another()]
    rate = Rate(0.1, burst=1)
    turns = await asyncio.gather(
        *[one.book("queue", rate, 30.0) for one in both for _ in range(50)]
    )
    waits = sorted(one.wait for one in turns)
    assert waits[:2] == [0, 0]  # each knew of no other
    assert waits[-1] == pytest.approx(9.9, abs=0.3)
    gaps = [later - sooner for sooner, later in pairwise(waits[2:])]
    assert min(gaps) == pytest.approx(0.1, abs=0.06)


async def test_what_was_sent_before_a_restart_counts_after_it(processes: Processes) -> None:
    slow = Rate(60.0, burst=1)
    async with opened(processes.url, processes.prefix) as before:
        await before.book("restarted", slow, 0.0)
    after = await processes.another()
    await after.book("restarted", slow, 0.0)
    await _until(lambda: _ahead(after, "restarted") > 115)


async def test_without_redis_each_keeps_to_its_share_until_it_is_back(
    processes: Processes, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "RETRY_SECONDS", 0.05)
    both = [await processes.another(), await processes.another()]
    until = time.monotonic() + 0.3
    await asyncio.gather(*[_send(one, "before", until) for one in both])
    await asyncio.to_thread(valkey.stop)
    first = both[0]
    try:
        await first.book("noticed", FAST, 0.5)
        await _until(lambda: REGISTRY.get_sample_value("chatfold_limits_peers_count") == 0)
        slow = Rate(10.0, burst=1)
        await first.book("share", slow, 0.0)
        assert 39 < await _wait(first, "share", slow) <= 40  # a turn takes 20, not 10
    finally:
        await asyncio.to_thread(valkey.start)
    await first.book("noticed", FAST, 0.5)
    await _until(lambda: REGISTRY.get_sample_value("chatfold_limits_peers_count") == 1)
    assert await _wait(first, "new", slow) == 0
    assert 19 < await _wait(first, "new", slow) <= 20


async def test_nothing_stays_in_redis_of_what_is_over(processes: Processes, valkey: Valkey) -> None:
    one = await processes.another()
    client = one._client
    await one.book("over", FAST, 0.0)
    await _until_async(lambda: client.exists(f"{processes.prefix}:limits:v1:peers"))
    await _until_async(lambda: _is_gone(client, f"{processes.prefix}:limits:v1:bucket:over"))


async def test_with_files_instead_of_redis_a_process_keeps_its_own_limits(tmp_path: Path) -> None:
    async with opened(f"file:{tmp_path}", "any") as limits:
        assert isinstance(limits, LocalLimits)
        assert [(await limits.book("a", FAST, 1.0)).wait for _ in range(2)] != [0, 0]


async def _wait(limits: SharedLimits, key: str, rate: Rate) -> float:
    return (await limits.book(key, rate, 0.0)).wait


def _ahead(limits: SharedLimits, key: str) -> float:
    """By how many seconds the turns that a process knows of are ahead."""
    return limits._buckets._buckets[key].end - time.monotonic()


async def _is_gone(client, key: str) -> bool:
    return not await client.exists(key)


async def _until(met) -> None:
    async with asyncio.timeout(5):
        while not met():
            await asyncio.sleep(0.02)


async def _until_async(met) -> None:
    async with asyncio.timeout(5):
        while not await met():
            await asyncio.sleep(0.02)
