"""Tells chats of orders that an agent cannot read, so that they do not wait for ever.

Where there is a ledger it has the failure before the report goes to `inbox`. So the order has
failed for good, also if it comes again and can be read then: the chat orders another attempt.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from schemas import codec, identity
from schemas.awaited import Awaited, Kind
from schemas.envelope import Recorded
from schemas.inputs import AnswerReported, JobReported, SendReported
from streams import unread
from streams.agents.telling import Telling
from streams.patience import until_available
from streams.ports import Claimed, Finished, Leaving, Ledger

R = TypeVar("R", SendReported, JobReported)

Unread = Callable[[Recorded[Awaited], str, Leaving], Awaitable[bool]]
"""Tells the chat, with the reason; whether the order is for this agent. Raises `Left`."""


@dataclass(frozen=True, slots=True)
class UnreadReplies:
    """Those of the delivery agent."""

    telling: Telling
    ledger: Ledger

    async def __call__(self, order: Recorded[Awaited], reason: str, leaving: Leaving) -> bool:
        """As `Unread`."""
        if order.data.kind is not Kind.REPLY:
            return False
        report = await self._ended(order.data, reason, leaving)
        own_id = identity.report_id(reply_id=report.reply_id, attempt=report.attempt)
        await self.telling.tell(order, own_id, report, leaving)
        return True

    async def _ended(self, awaited: Awaited, reason: str, leaving: Leaving) -> SendReported:
        effect_id, now = f"{awaited.id}:{awaited.attempt}", self.telling.now()
        claim = await until_available(lambda: self.ledger.claim(effect_id), leaving)
        if isinstance(claim, Finished):
            return codec.decode(SendReported, claim.result)
        is_new = isinstance(claim, Claimed)
        report = unread.reply(awaited, reason, now) if is_new else unread.begun_reply(awaited, now)
        return await _noted(self.ledger, effect_id, report, leaving)


@dataclass(frozen=True, slots=True)
class UnreadJobs:
    """Those of an agent that does jobs; what comes of them is in the `ledger` if it has one."""

    telling: Telling
    ledger: Ledger | None = None

    async def __call__(self, order: Recorded[Awaited], reason: str, leaving: Leaving) -> bool:
        """As `Unread`."""
        if order.data.kind is not Kind.JOB:
            return False
        report = await self._ended(order.data, reason, leaving)
        own_id = identity.job_report_id(job=report.job_id, attempt=report.attempt)
        await self.telling.tell(order, own_id, report, leaving)
        return True

    async def _ended(self, awaited: Awaited, reason: str, leaving: Leaving) -> JobReported:
        report = unread.job(awaited, reason, self.telling.now())
        ledger, effect_id = self.ledger, f"{awaited.id}:{awaited.attempt}"
        if ledger is None:
            return report
        claim = await until_available(lambda: ledger.claim(effect_id), leaving)
        if isinstance(claim, Finished):
            return codec.decode(JobReported, claim.result)
        return await _noted(ledger, effect_id, report, leaving)


@dataclass(frozen=True, slots=True)
class UnreadThoughts:
    """Those of the assistant agent: jobs of models, and questions."""

    jobs: UnreadJobs

    async def __call__(self, order: Recorded[Awaited], reason: str, leaving: Leaving) -> bool:
        """As `Unread`."""
        if order.data.kind is not Kind.QUESTION:
            return await self.jobs(order, reason, leaving)
        answer: AnswerReported = unread.question(order.data, reason)
        own_id = identity.answer_id(answer.question_id)
        await self.jobs.telling.tell(order, own_id, answer, leaving)
        return True


async def _noted(ledger: Ledger, effect_id: str, report: R, leaving: Leaving) -> R:
    """What the ledger holds as the end from now on: the first one noted, by whomever."""
    result = codec.dumps(report)
    held = await until_available(lambda: ledger.finish(effect_id, result), leaving)
    return codec.decode(type(report), held)
