"""Where orders wait for their turn: one account's never stand in another's way.

An order that waits takes no place among those being sent. An account has a bounded number of
both; what finds its line full goes back to its chat, to come again later.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from time import perf_counter
from typing import Final

from providers.failures import FailureCode, SendFailure
from providers.rates import Rate, Rates
from streams.agents import metrics
from streams.agents.breaker import Breaker
from streams.agents.comeback import Comeback
from streams.outcomes import Ended
from streams.patience import pause, unless_leaving
from streams.ports import Access, Crowded, Leaving, Limiter

SENDS: Final = 512
"""Calls at a time. Each is a connection; systems often allow a process 1,024 open files."""

ACCOUNT_SENDS: Final = 64
"""Of them for one account: 640 a second at 100 ms. Seven accounts that hang leave room."""

ACCOUNT_WAITING: Final = 500
"""Orders of one account that wait: a tenth of what the window holds, unless …"""

SHORT_WAIT_SECONDS: Final = 2.0
"""… the one that came first has not waited for longer: the account is busy, not slow."""

LONGEST_WAIT_SECONDS: Final = 30.0
"""For one turn; an order that would wait longer comes again, so that offsets move on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How many are sent, and how many wait."""

    sends: int = SENDS
    account_sends: int = ACCOUNT_SENDS
    account_waiting: int = ACCOUNT_WAITING
    short_wait: float = SHORT_WAIT_SECONDS
    longest_wait: float = LONGEST_WAIT_SECONDS


class Lines:
    """The lines of all accounts."""

    def __init__(self, limiter: Limiter, bounds: Bounds = Bounds()) -> None:
        self._limiter = limiter
        self._bounds = bounds
        self._sends = asyncio.Semaphore(bounds.sends)
        self._lines: dict[tuple[str, str, str], Line] = {}

    def of(self, tenant: str, access: Access) -> "Line":
        """The line of an account."""
        key = (tenant, access.account.provider, access.account.account)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(key, self._limiter, self._bounds, self._sends)
        return line


class Line:
    """One account's orders: who entered must leave."""

    def __init__(
        self,
        key: tuple[str, str, str],
        limiter: Limiter,
        bounds: Bounds,
        all_sends: asyncio.Semaphore,
    ) -> None:
        _, self._provider, account = key
        self._name = f"{self._provider}:{account}"
        self._limiter = limiter
        self._bounds = bounds
        self._all_sends = all_sends
        self._sends = asyncio.Semaphore(bounds.account_sends)
        self._breaker = Breaker(self._name, self._provider)
        self._comeback = Comeback(bounds.account_sends)
        self._waiting: dict[int, float] = {}
        self._numbers = count()

    async def enter(
        self, chat_id: str, rates: Rates, access: Access, leaving: Leaving
    ) -> SendFailure | None:
        """Return None when it is our turn, or why the order is not to be sent; raises `Left`."""
        refused = (
            self._stopped(access)
            or (rates.chat and await self._turn("chat", chat_id, rates.chat, leaving))
            or await self._turn("account", "", rates.account, leaving)
            or await self._place(leaving)
        )
        if not refused and (refused := self._stopped(access)):
            self.leave()
        return refused or None

    def ended(self, ended: Ended, access: Access) -> None:
        """Learn from how a send ended."""
        self._breaker.ended(ended, access, _now())

    def leave(self) -> None:
        """Make room for the next."""
        self._sends.release()
        self._all_sends.release()
        self._comeback.freed(_now())

    def _stopped(self, access: Access) -> SendFailure | None:
        rest = self._breaker.rests(access, _now())
        return None if rest is None else self._sent_back("stopped", _STOPPED, rest)

    async def _turn(self, of: str, key: str, rate: Rate, leaving: Leaving) -> SendFailure | None:
        longest = self._bounds.longest_wait if self._has_room else 0.0
        name = f"{self._name}:{key}" if key else self._name
        with self._waits():  # a turn that is not at once may take a moment to find
            turn = await self._limiter.book(name, rate, longest)
        if isinstance(turn, Crowded):
            return self._sent_back(of, _CROWDED, turn.wait)
        if turn.wait > 0:
            with self._counted(of):
                await pause(turn.wait, leaving)
        return None

    async def _place(self, leaving: Leaving) -> SendFailure | None:
        """Take a place among those being sent, of the account and of all."""
        if not (self._sends.locked() or self._all_sends.locked()):
            await self._sends.acquire()
            await self._all_sends.acquire()
            self._comeback.had_room()
            return None
        if not self._has_room:
            return self._sent_back("sends", _CROWDED, self._comeback.after(_now()))
        with self._counted("sends"):
            await unless_leaving(self._sends.acquire(), leaving)
            try:
                await unless_leaving(self._all_sends.acquire(), leaving)
            except BaseException:
                self._sends.release()
                raise
        return None

    @property
    def _has_room(self) -> bool:
        if len(self._waiting) < self._bounds.account_waiting:
            return True
        first = next(iter(self._waiting.values()), _now())
        return _now() - first < self._bounds.short_wait

    @contextmanager
    def _waits(self) -> Iterator[None]:
        number = next(self._numbers)
        self._waiting[number] = _now()
        try:
            yield
        finally:
            del self._waiting[number]

    @contextmanager
    def _counted(self, of: str) -> Iterator[None]:
        began = perf_counter()
        metrics.WAITING.labels(of).inc()
        try:
            with self._waits():
                yield
        finally:
            metrics.WAITING.labels(of).dec()
            metrics.WAITED.labels(self._provider, of).observe(perf_counter() - began)

    def _sent_back(self, cause: str, refused: SendFailure, wait: float) -> SendFailure:
        metrics.SENT_BACK.labels(self._provider, cause).inc()
        return replace(refused, retry_after_seconds=round(wait, 3))


_CROWDED: Final = SendFailure(
    code=FailureCode.CROWDED,
    http_status=None,
    detail="Not sent yet: the account, or the chat, has as many messages as it may send for now.",
)
_STOPPED: Final = SendFailure(
    code=FailureCode.ACCOUNT_STOPPED,
    http_status=None,
    detail="Not sent: the provider has refused the account several times in a row.",
)


def _now() -> float:
    return asyncio.get_running_loop().time()
