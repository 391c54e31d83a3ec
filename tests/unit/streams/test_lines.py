"""Lines: how orders wait for their turn, and what an account that is refused does to its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from prometheus_client import REGISTRY

from chatfold.limits import LocalLimits
from providers.failures import FailureCode, SendFailure
from providers.protocol import Accepted
from providers.rates import Rate, Rates
from schemas.content import Platform
from schemas.tenants import Account
from streams.agents import breaker
from streams.agents.breaker import FIRST_REST_SECONDS, IN_A_ROW, Breaker
from streams.agents.lines import Bounds, Lines
from streams.ports import AT_ONCE, Access, Crowded, Leaving, Turn
from streams.window import Left

RATES = Rates(account=Rate(0.001, burst=100), chat=Rate(0.001, burst=100))
SENT = Accepted(platform_message_id="1", http_status=200)
REFUSED = SendFailure(code=FailureCode.UNAUTHENTICATED, http_status=401, detail="no")
THROTTLED = SendFailure(code=FailureCode.THROTTLED, http_status=429, detail="slow")


def access(account: str = "1", token: str = "t") -> Access:
    known = Account(provider="telegram", account=account, platform=Platform.TELEGRAM)
    return Access(account=known, credentials={"t": token})


@dataclass
class Answers:
    """A limiter that answers what it is told, then lets everybody go."""

    turns: list[Turn | Crowded] = field(default_factory=list)
    asked: list[tuple[str, float]] = field(default_factory=list)

    async def book(self, key: str, rate: Rate, longest: float) -> Turn | Crowded:
        self.asked.append((key, longest))
        return self.turns.pop(0) if self.turns else AT_ONCE


@dataclass
class Place:
    """Lines with one account's access."""

    limiter: object = field(default_factory=Answers)
    bounds: Bounds = field(default_factory=Bounds)
    leaving: Leaving = field(default_factory=Leaving)

    def __post_init__(self) -> None:
        self.lines = Lines(self.limiter, self.bounds)
        self.accesses: dict[str, Access] = {}

    def access(self, account: str) -> Access:
        return self.accesses.setdefault(account, access(account))

    async def enter(self, account: str = "1", chat: str = "c") -> SendFailure | None:
        known = self.access(account)
        return await self.lines.of("acme", known).enter(chat, RATES, known, self.leaving)

    def leave(self, account: str = "1") -> None:
        self.lines.of("acme", self.access(account)).leave()

    @asynccontextmanager
    async def entering(self, account: str = "1") -> AsyncIterator[asyncio.Task]:
        """An order that waits."""
        task = asyncio.create_task(self.enter(account))
        await _rounds()
        assert not task.done()
        yield task


async def test_a_turn_counts_against_the_chat_and_then_against_the_account() -> None:
    place = Place()
    assert await place.enter(chat="c") is None
    assert place.limiter.asked == [("telegram:1:c", 30.0), ("telegram:1", 30.0)]


async def test_an_order_whose_turn_is_later_waits_for_it() -> None:
    place = Place(Answers([AT_ONCE, Turn(0.05)]))
    began = asyncio.get_running_loop().time()
    assert await place.enter() is None
    assert asyncio.get_running_loop().time() - began >= 0.05


async def test_an_order_that_gets_no_turn_comes_again_when_there_may_be_one() -> None:
    refused = await Place(Answers([Crowded(40.0)])).enter()
    assert refused is not None
    assert (refused.code, refused.retryable) == (FailureCode.CROWDED, True)
    assert (refused.retry_after_seconds, refused.http_status) == (40.0, None)


async def test_while_many_of_an_account_wait_no_more_are_let_wait() -> None:
    place = Place(Answers([AT_ONCE, Turn(60.0)]), Bounds(account_waiting=1, short_wait=0.0))
    async with place.entering():
        await place.enter()
        assert place.limiter.asked[-1] == ("telegram:1", 0.0)
        await place.enter("2")
        assert place.limiter.asked[-1] == ("telegram:2", 30.0)
        place.leaving.set()


async def test_an_account_that_hangs_takes_no_others_place() -> None:
    place = Place(bounds=Bounds(sends=3, account_sends=2))
    assert [await place.enter("1") for _ in range(2)] == [None, None]
    async with place.entering("1") as waiting:
        assert await place.enter("2") is None
        place.leave("2")
        place.leave("1")
        assert await waiting is None


async def test_while_the_line_is_full_an_order_comes_again() -> None:
    place = Place(bounds=Bounds(account_sends=1, account_waiting=1, short_wait=0.0))
    await place.enter()
    async with place.entering():
        refused = await place.enter()
        assert refused is not None
        assert (refused.code, refused.retry_after_seconds) == (FailureCode.CROWDED, 30.0)
        place.leaving.set()


async def test_a_busy_line_is_not_full_while_the_first_has_waited_only_for_a_moment() -> None:
    place = Place(bounds=Bounds(account_sends=1, account_waiting=1, short_wait=60.0))
    await place.enter()
    async with place.entering() as first, place.entering() as second:
        place.leave()
        assert await first is None
        place.leave()
        assert await second is None


async def test_orders_get_their_places_in_the_order_they_came() -> None:
    place = Place(bounds=Bounds(account_sends=1))
    await place.enter()
    served: list[int] = []

    async def one(number: int) -> None:
        await place.enter()
        served.append(number)
        place.leave()

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    await _rounds()
    place.leave()
    await asyncio.gather(*tasks)
    assert served == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "place",
    [
        lambda: Place(Answers([Turn(60.0)])),
        lambda: Place(bounds=Bounds(account_sends=0)),
        lambda: Place(bounds=Bounds(sends=0)),
    ],
)
async def test_told_to_leave_an_order_that_waits_leaves_at_once(
    place: Callable[[], Place],
) -> None:
    waiting = place()
    async with waiting.entering() as order:
        waiting.leaving.set()
        with pytest.raises(Left):
            await order
    assert REGISTRY.get_sample_value("chatfold_delivery_waiting_orders", {"of": "sends"}) == 0


async def test_who_leaves_while_waiting_keeps_no_place() -> None:
    place = Place(bounds=Bounds(sends=1, account_sends=1))
    await place.enter("1")
    async with place.entering("2") as order:
        place.leaving.set()
        with pytest.raises(Left):
            await order
    place.leaving.clear()
    place.leave("1")
    assert await place.enter("2") is None


async def test_one_account_far_behind_its_rate_delays_no_other() -> None:
    place = Place(LocalLimits())
    slow = Rates(account=Rate(1.0))
    line = place.lines.of("acme", place.access("slow"))
    waiting = [
        asyncio.create_task(line.enter(str(n), slow, place.access("slow"), place.leaving))
        for n in range(2_000)
    ]
    began = asyncio.get_running_loop().time()
    for number in range(500):
        assert await place.enter("other", str(number)) is None
        place.leave("other")
    assert asyncio.get_running_loop().time() - began < 1.0
    place.leaving.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert sum(isinstance(one, Left) for one in ended) == 30  # the rest comes again later
    later = sorted(one.retry_after_seconds for one in ended if isinstance(one, SendFailure))
    assert later[:2] == [pytest.approx(32, abs=0.5), pytest.approx(33, abs=0.5)]


class Account5:
    """An account's breaker with a clock."""

    def __init__(self) -> None:
        self.breaker = Breaker("telegram:5", "telegram")
        self.access = access("5")
        self.now = 1_000.0

    def refused(self, times: int) -> None:
        for _ in range(times):
            self.breaker.ended(REFUSED, self.access, self.now)

    @property
    def rests(self) -> float | None:
        return self.breaker.rests(self.access, self.now)


def test_an_account_refused_again_and_again_rests() -> None:
    account = Account5()
    account.refused(IN_A_ROW - 1)
    assert account.rests is None
    account.refused(1)
    assert account.rests == FIRST_REST_SECONDS


@pytest.mark.parametrize("ended", [SENT, THROTTLED])
def test_a_refusal_of_another_kind_between_begins_the_count_anew(ended: object) -> None:
    account = Account5()
    account.refused(IN_A_ROW - 1)
    account.breaker.ended(ended, account.access, account.now)
    account.refused(IN_A_ROW - 1)
    assert account.rests is None


def test_after_its_rest_one_order_tries_and_the_others_wait_for_it() -> None:
    account = Account5()
    account.refused(IN_A_ROW)
    account.now += FIRST_REST_SECONDS
    assert account.rests is None
    assert account.rests == breaker.PROBE_SECONDS
    account.breaker.ended(SENT, account.access, account.now)
    assert [account.rests for _ in range(3)] == [None] * 3


def test_a_vain_try_makes_the_next_rest_longer_up_to_a_bound() -> None:
    account = Account5()
    account.refused(IN_A_ROW)
    rests = []
    for _ in range(6):
        account.now += account.rests or 0
        assert account.rests is None
        account.refused(1)
        rests.append(account.rests)
    assert rests == [120.0, 240.0, 480.0, 900.0, 900.0, 900.0]


def test_a_try_that_never_ends_lets_another_try_later() -> None:
    account = Account5()
    account.refused(IN_A_ROW)
    account.now += FIRST_REST_SECONDS
    assert account.rests is None
    account.now += breaker.PROBE_SECONDS
    assert account.rests is None


@pytest.mark.parametrize(
    "changed",
    [
        lambda old: replace(old, account=old.account.model_copy()),
        lambda old: replace(old, credentials={"t": "renewed"}),
    ],
)
def test_an_account_that_was_changed_is_tried_at_once(
    changed: Callable[[Access], Access],
) -> None:
    account = Account5()
    account.refused(IN_A_ROW)
    account.access = changed(account.access)
    assert [account.rests for _ in range(3)] == [None] * 3


async def test_while_an_account_rests_its_orders_come_again_later() -> None:
    place = Place()
    before = _stopped()
    known = place.access("1")
    line = place.lines.of("acme", known)
    for _ in range(IN_A_ROW):
        assert await place.enter() is None
        line.ended(REFUSED, known)
        place.leave()
    refused = await place.enter()
    assert refused is not None
    assert (refused.code, refused.retryable) == (FailureCode.ACCOUNT_STOPPED, True)
    assert refused.retry_after_seconds == pytest.approx(FIRST_REST_SECONDS, abs=1)
    assert await place.enter("2") is None
    assert _stopped() == before + 1
    place.accesses["1"] = access("1")
    assert await place.enter() is None
    assert _stopped() == before


async def test_those_who_waited_while_the_account_was_stopped_are_not_sent() -> None:
    place = Place(bounds=Bounds(account_sends=1))
    known = place.access("1")
    line = place.lines.of("acme", known)
    await place.enter()
    async with place.entering() as waiting:
        for _ in range(IN_A_ROW):
            line.ended(REFUSED, known)
        place.leave()
        refused = await waiting
        assert refused is not None
        assert refused.code is FailureCode.ACCOUNT_STOPPED
    place.accesses["1"] = access("1")
    assert await place.enter() is None


def _stopped() -> float:
    labels = {"provider": "telegram"}
    return REGISTRY.get_sample_value("chatfold_delivery_stopped_accounts", labels) or 0.0


async def _rounds() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
