"""Limits shared through Redis or Valkey, without a question to it on the way of most messages.

Each process lets go at once what is within a rate as far as it knows, tells the others 4 times
a second what that was, and hears how far all of them are ahead. What must wait asks for its
turn within 50 ms, so that no two processes hand out the same. So the rate of all
together is kept exactly over time, and exceeded for a moment by no more than the bursts of the
processes that have not heard of each other yet. While Redis is away each keeps to its share,
by the number of processes that there were. Keys, after the prefix: `bucket:KEY`, gone once it
is over, and `peers`. A script touches several, so that they must be on one server: no cluster.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Final, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chatfold.limits import metrics
from chatfold.limits.buckets import Buckets
from providers.rates import Rate
from streams.ports import AT_ONCE, Crowded, Limiter, Turn

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

logger = logging.getLogger(__name__)

QUIET_SECONDS: Final = 0.25
HURRY_SECONDS: Final = 0.05
"""From one exchange to the next, while nothing waits and while something does."""

RETRY_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 10.0
PEER_SECONDS: Final = 10
CALL_SECONDS: Final = 1.0
CLOSE_SECONDS: Final = 2.0
_MICRO: Final = 1_000_000

# KEYS peers, then a bucket each. ARGV own name, microseconds that a silent peer counts, then
# the microseconds to add to each bucket. Gives the peers, and how far each bucket is ahead.
_EXCHANGE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] / 1000))
local found = {redis.call('ZCARD', KEYS[1])}
for i = 2, #KEYS do
  local ending = tonumber(redis.call('GET', KEYS[i]) or 0)
  if ending < now then ending = now end
  ending = ending + ARGV[i + 1]
  local ahead = ending - now
  redis.call('SET', KEYS[i], string.format('%.0f', ending), 'PX', math.ceil(ahead / 1000) + 1)
  found[i] = ahead
end
return found
"""


class LocalLimits:
    """Limits of a single process."""

    def __init__(self) -> None:
        self._buckets = Buckets()
        self._swept = monotonic()

    async def book(self, key: str, rate: Rate, longest: float) -> Turn | Crowded:
        """A turn within `longest` seconds, if there is one."""
        now = monotonic()
        if now - self._swept > SWEEP_SECONDS:
            self._swept = now
            self._buckets.sweep(now)
            self._buckets.take_untold()
        return self._buckets.book(key, rate, longest, now)


@dataclass(frozen=True, slots=True)
class _Waiter:
    """An order that must wait; `alone` is its turn as far as we knew."""

    rate: Rate
    alone: Turn
    turn: asyncio.Future[Turn]


class SharedLimits:
    """Limits of all processes under one prefix; `async with` exchanges in the background."""

    def __init__(self, client: "Redis", prefix: str) -> None:
        self._client = client
        self._prefix = f"{prefix}:limits:v1"
        self._name = secrets.token_hex(8)
        self._exchange: AsyncScript = client.register_script(_EXCHANGE)
        self._buckets = Buckets()
        self._waiters: dict[str, list[_Waiter]] = {}
        self._booked = asyncio.Event()
        self._waited_for = asyncio.Event()
        self._peers = 1
        self._is_alone = False

    async def __aenter__(self) -> Self:
        """Begin."""
        self._exchanging = asyncio.create_task(self._keep_exchanging())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Tell what is untold, and be a peer no more."""
        self._exchanging.cancel()
        await asyncio.wait([self._exchanging])
        if not self._is_alone and self._buckets.has_untold:
            await self._tell()
        with suppress(RedisError, OSError, TimeoutError):
            await self._client.zrem(f"{self._prefix}:peers", self._name)

    async def book(self, key: str, rate: Rate, longest: float) -> Turn | Crowded:
        """A turn within `longest` seconds, as far as we know, if there is one."""
        turn = self._buckets.book(key, rate, longest, monotonic())
        if not self._booked.is_set():
            self._booked.set()
        if turn is AT_ONCE or isinstance(turn, Crowded) or self._knows_no_better:
            return turn
        waiter = _Waiter(rate, turn, asyncio.get_running_loop().create_future())
        self._waiters.setdefault(key, []).append(waiter)
        self._waited_for.set()
        return await waiter.turn

    @property
    def _knows_no_better(self) -> bool:
        return self._is_alone or self._exchanging.done()

    async def _keep_exchanging(self) -> None:
        swept = monotonic()
        while True:
            await self._booked.wait()
            await self._pause()
            self._booked.clear()
            await self._tell()
            if self._buckets.has_untold:
                self._booked.set()
            if self._waiters:
                self._waited_for.set()
            if monotonic() - swept > SWEEP_SECONDS:
                swept = monotonic()
                self._buckets.sweep(swept)

    async def _pause(self) -> None:
        if self._is_alone:
            await asyncio.sleep(RETRY_SECONDS)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_SECONDS - HURRY_SECONDS):
                await self._waited_for.wait()
        await asyncio.sleep(HURRY_SECONDS)
        self._waited_for.clear()

    async def _tell(self) -> None:
        """Exchange once; what could not be told is forgotten, its moment is over."""
        told, began = self._buckets.take_untold(), perf_counter()
        waiters = {key: self._waiters.pop(key) for key in told if key in self._waiters}
        try:
            async with asyncio.timeout(CALL_SECONDS):
                peers, *ahead = await self._exchange(self._keys(told), self._arguments(told))
            metrics.SECONDS.observe(perf_counter() - began)
            known = dict(zip(told, (one / _MICRO for one in ahead), strict=True))
            self._go_together(peers)
            self._buckets.learn(known, monotonic())
            _settle(waiters, known)
        except (RedisError, OSError, TimeoutError) as error:
            self._go_alone(error)
        finally:
            _settle_alone(waiters)

    def _keys(self, told: dict[str, float]) -> Sequence[str]:
        return [f"{self._prefix}:peers", *(f"{self._prefix}:bucket:{key}" for key in told)]

    def _arguments(self, told: dict[str, float]) -> Sequence[str | int]:
        added = (int(seconds * _MICRO) for seconds in told.values())
        return [self._name, PEER_SECONDS * _MICRO, *added]

    def _go_alone(self, error: Exception) -> None:
        metrics.FAILURES.inc()
        metrics.PEERS.set(0)
        self._buckets.share = self._peers
        if not self._is_alone:
            self._is_alone = True
            logger.warning("the limits are kept alone, by %s parts: %r", self._peers, error)

    def _go_together(self, peers: int) -> None:
        self._peers = peers
        self._buckets.share = 1
        metrics.PEERS.set(peers)
        if self._is_alone:
            self._is_alone = False
            logger.info("the limits are shared again, by %s processes", peers)


def _settle(waiters: dict[str, list[_Waiter]], ahead: dict[str, float]) -> None:
    """Give those who wait the last of the turns that were just added to all."""
    for key, ones in waiters.items():
        end = ahead[key]
        for one in reversed(ones):
            wait = max(0.0, end - one.rate.interval * one.rate.burst)
            end -= one.rate.interval
            if not one.turn.done():
                one.turn.set_result(Turn(wait))


def _settle_alone(waiters: dict[str, list[_Waiter]]) -> None:
    """Give those who are still without a turn the one that we knew of."""
    for one in (one for ones in waiters.values() for one in ones):
        if not one.turn.done():
            one.turn.set_result(one.alone)


@asynccontextmanager
async def opened(url: str, prefix: str) -> AsyncIterator[Limiter]:
    """The limits of all who name the same Redis; of this process alone if `url` names none."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        yield LocalLimits()
        return
    client = Redis.from_url(
        url,
        socket_timeout=CALL_SECONDS,
        socket_connect_timeout=CALL_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
    try:
        async with SharedLimits(client, prefix) as limits:
            yield limits
    finally:
        with suppress(RedisError, OSError, TimeoutError):
            await client.aclose()
