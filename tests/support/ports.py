"""The agents' ports in memory; each can be away for a while."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from providers.protocol import Exchange
from providers.sending import MailAnswer, Mailing
from schemas import codec, envelope
from schemas.content import Json, Platform
from schemas.envelope import Record, Recorded
from schemas.tenants import Account
from streams.ports import Access, Claim, Claimed, Finished, Unavailable, Unfinished


@dataclass
class Away:
    """Counts down the calls that fail before a server is back."""

    calls: int = 0

    def check(self) -> None:
        if self.calls:
            self.calls -= 1
            raise Unavailable("away")


@dataclass
class MemoryLedger:
    """Effects of several runs, as PostgreSQL would hold them."""

    run: str = "run 1"
    effects: dict[str, tuple[str, bytes | None]] = field(default_factory=dict)
    away: Away = field(default_factory=Away)
    finish_away: Away = field(default_factory=Away)
    handed_out: set[str] = field(default_factory=set)
    claimed_ago: float = 0.0

    async def claim(self, effect_id: str) -> Claim:
        if not (effect_id.isascii() and effect_id.isprintable()):
            raise ValueError("not an id that the ledger can hold")
        self.away.check()
        run, result = self.effects.setdefault(effect_id, (self.run, None))
        if result is not None:
            return Finished(result)
        if run != self.run or effect_id in self.handed_out:
            return Unfinished()
        self.handed_out.add(effect_id)
        return Claimed(asyncio.get_running_loop().time() - self.claimed_ago)

    async def holds(self, effect_id: str) -> bool:
        self.away.check()
        return self.effects.get(effect_id) == (self.run, None)

    async def finish(self, effect_id: str, result: bytes) -> bytes:
        self.finish_away.check()
        run, noted = self.effects[effect_id]
        self.effects[effect_id] = (run, noted or result)
        return noted or result

    async def release(self, effect_id: str) -> None:
        if self.effects.get(effect_id) == (self.run, None):
            del self.effects[effect_id]


@dataclass
class ScriptedHttp:
    """Answers exchanges with what it is told, and counts them; waits while `held`."""

    answers: list[object] = field(default_factory=list)
    calls: int = 0
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.held.set()

    async def drive(self, exchange: Exchange[object]) -> object:
        exchange.close()
        self.calls += 1
        await self.held.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class ScriptedMail:
    """Takes every e-mail, or answers what it is told, and keeps them."""

    answers: list[MailAnswer] = field(default_factory=list)
    posted: list[Mailing] = field(default_factory=list)

    async def post(self, mailing: Mailing) -> object:
        self.posted.append(mailing)
        return mailing.judge(self.answers.pop(0) if self.answers else MailAnswer(250, "OK"))


@dataclass
class MemoryLog:
    """What was appended, by topic."""

    topics: dict[str, list[Record]] = field(default_factory=dict)
    away: Away = field(default_factory=Away)

    async def append(self, topic: str, records: Sequence[Record], timeout: float) -> None:
        self.away.check()
        self.topics.setdefault(topic, []).extend(records)

    def inputs(self, topic: str) -> list[Recorded]:
        found = self.topics.get(topic, [])
        return [envelope.decode(codec.INPUTS, value=r.value, headers=r.headers) for r in found]


@dataclass
class MemoryAccounts:
    """One account, or none."""

    credentials: dict[str, str] | None
    missing: tuple[str, ...] = ()
    away: Away = field(default_factory=Away)
    base_url: str | None = None
    known: dict[tuple[str, str], Account] = field(default_factory=dict)

    async def access(self, *, tenant: str, provider: str, account: str) -> Access | None:
        self.away.check()
        if self.credentials is None:
            return None
        new = Account(
            provider=provider,
            account=account,
            platform=Platform.WHATSAPP,
            base_url=self.base_url,
        )
        known = self.known.setdefault((provider, account), new)
        return Access(account=known, credentials=self.credentials, missing=self.missing)


@dataclass
class MemoryViews:
    """Says what it is told, or raises it."""

    says: Json | Exception

    async def view_stats(self) -> Json:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


class Ticking:
    """A clock that goes on a second whenever it is read."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time
