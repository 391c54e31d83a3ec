"""One attempt at one order of a model, from the claim to the report in the log.

The ledger has what came of it before the report goes to `inbox`, so that an order that comes
again is answered with the same. What was begun and not noted is asked again: a call may be
paid twice for each time an agent dies, but there is one report.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from types import MappingProxyType
from typing import Final, assert_never

from schemas import codec, identity
from schemas.content import JobKind
from schemas.envelope import Recorded
from schemas.inputs import JobReported
from schemas.job_failures import MEANINGS, JobFailureCode
from schemas.tenants import Tenant
from schemas.work import AskModel, GenerateAnswer, ModelOrder, Order, SummariseConversation
from streams import prompting
from streams.agents import metrics
from streams.agents.seats import Seats
from streams.agents.telling import Telling
from streams.patience import until_available
from streams.ports import (
    Claimed,
    Clock,
    Finished,
    Leaving,
    Ledger,
    ModelFailure,
    Models,
    Reach,
    ResultLog,
    TenantLookup,
    Unavailable,
    Understood,
    Unfinished,
    pass_by,
)
from streams.window import Left

logger = logging.getLogger(__name__)

SOURCE: Final = "/chatfold/agent/reply"
DONE: Final = "done"

_KINDS: Final = MappingProxyType(
    {
        GenerateAnswer: JobKind.ANSWER,
        SummariseConversation: JobKind.SUMMARISE,
        AskModel: JobKind.ASK,
    }
)
Result = Understood | ModelFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What it takes to ask a model; `inbox` is the topic of the reports."""

    tenants: TenantLookup
    models: Models
    ledger: Ledger
    log: ResultLog
    inbox: str
    now: Clock
    reach: Reach = pass_by


def telling(world: World) -> Telling:
    """How the agent reports."""
    return Telling(log=world.log, inbox=world.inbox, source=SOURCE, now=world.now)


@dataclass(frozen=True, slots=True)
class Thinking:
    """One attempt at one order."""

    world: World
    seats: Seats
    order: Recorded[Order]
    asked: ModelOrder
    leaving: Leaving

    @property
    def effect_id(self) -> str:
        """What the ledger knows the attempt as."""
        return f"{self.asked.job_id}:{self.asked.attempt}"

    async def run(self) -> None:
        """Return when the report is in the log; raises `Left`."""
        began = perf_counter()
        report = await self._reported()
        await self._tell(report)
        metrics.THOUGHT_SECONDS.labels(_KINDS[type(self.asked)]).observe(perf_counter() - began)

    async def _reported(self) -> JobReported:
        claim = await until_available(lambda: self.world.ledger.claim(self.effect_id), self.leaving)
        match claim:
            case Finished():
                metrics.THOUGHTS_REPEATED.labels("finished").inc()
                return codec.decode(JobReported, claim.result)
            case Unfinished():
                metrics.THOUGHTS_REPEATED.labels("unfinished").inc()
                return await self._act()
            case Claimed():
                return await self._act()
            case _:
                assert_never(claim)

    async def _act(self) -> JobReported:
        """Ask the model, and note what came of it."""
        report = await self._ask()
        self.world.reach("reply.after_call")
        self._count(report)
        try:
            noted = await self._note(report)
        except Left:  # the ledger is away and we must go: at least the log shall know
            return report
        self.world.reach("reply.after_note")
        return noted

    async def _ask(self) -> JobReported:
        find = self.world.tenants.tenant
        tenant = await until_available(lambda: find(self.order.tenant), self.leaving)
        if tenant is None:
            return self._report(_refused("nobody has configured the tenant"), self.world.now())
        crowded = await self.seats.take(tenant.tenant_id, self.leaving)
        if crowded is not None:
            failed = ModelFailure(JobFailureCode.THROTTLED, _CROWDED, crowded.wait)
            return self._report(failed, self.world.now())
        try:
            self.world.reach("reply.before_call")
            started_at = self.world.now()
            result = await until_available(lambda: self._result(tenant), self.leaving)
        finally:
            self.seats.leave(tenant.tenant_id)
        return self._report(result, started_at)

    async def _result(self, tenant: Tenant) -> Result:
        """What the model says; a bug fails the attempt too, for the chat waits for its end."""
        try:
            return await _call(self.world.models, tenant, self.asked)
        except Unavailable:
            raise
        except Exception as error:
            logger.exception("job %s met a defect", self.effect_id)
            defect = f"a defect: {type(error).__name__}, see the agent's log"
            return ModelFailure(JobFailureCode.MALFORMED_ANSWER, defect)

    def _report(self, result: Result, started_at: datetime) -> JobReported:
        job, attempt, finished_at = self.asked.job_id, self.asked.attempt, self.world.now()
        if isinstance(result, Understood):
            return JobReported(
                job_id=job,
                attempt=attempt,
                started_at=started_at,
                finished_at=finished_at,
                text=result.text,
                usage=result.usage,
            )
        retryable = MEANINGS[result.code].retryable
        return JobReported(
            job_id=job,
            attempt=attempt,
            started_at=started_at,
            finished_at=finished_at,
            usage=result.usage,
            error_code=result.code,
            error_message=result.detail,
            retryable=retryable,
            retry_after_seconds=result.retry_after_seconds if retryable else None,
        )

    async def _note(self, report: JobReported) -> JobReported:
        """What is noted as the result: the first that came, by whomever."""
        ledger, result = self.world.ledger, codec.dumps(report)
        held = await until_available(lambda: ledger.finish(self.effect_id, result), self.leaving)
        return codec.decode(JobReported, held)

    async def _tell(self, report: JobReported) -> None:
        """Append the report; the same report has the same id and the same bytes."""
        own_id = identity.job_report_id(job=report.job_id, attempt=report.attempt)
        await telling(self.world).tell(self.order, own_id, report, self.leaving)

    def _count(self, report: JobReported) -> None:
        outcome = report.error_code or DONE
        metrics.THOUGHTS.labels(_KINDS[type(self.asked)], outcome).inc()
        logger.info(
            "job %s ended: %s",
            self.effect_id,
            outcome,
            extra={
                "event_id": self.order.id,
                "chat_id": self.order.chat_id,
                "caused_by": self.order.causation_id,
                "tenant": self.order.tenant,
            },
        )


async def _call(models: Models, tenant: Tenant, asked: ModelOrder) -> Result:
    settings = tenant.assistant
    messages = prompting.prompt(asked, settings)
    if not isinstance(asked, AskModel):
        return await models.chat(
            tenant.tenant_id,
            messages,
            max_tokens=settings.answer_tokens,
            temperature=settings.temperature,
        )
    wanted = asked.prompt
    return await models.chat(
        tenant.tenant_id,
        messages,
        max_tokens=wanted.max_tokens or settings.answer_tokens,
        temperature=settings.temperature if wanted.temperature is None else wanted.temperature,
        model=wanted.model,
    )


_CROWDED: Final = "Not asked: as many calls of the tenant's model as may be are under way."


def _refused(detail: str) -> ModelFailure:
    return ModelFailure(JobFailureCode.NOT_CONFIGURED, detail)


class Thinker:
    """Carries out orders of models; one that is under way already is waited for."""

    def __init__(self, world: World, seats: Seats | None = None) -> None:
        self._world = world
        self._seats = seats or Seats()
        self._in_flight: dict[str, asyncio.Future[None]] = {}

    async def handle(self, order: Recorded[Order], asked: ModelOrder, leaving: Leaving) -> None:
        """Return when the report is in the log; raises `Left`."""
        thinking = Thinking(self._world, self._seats, order, asked, leaving)
        while (earlier := self._in_flight.get(thinking.effect_id)) is not None:
            await asyncio.wait([earlier])
            if not earlier.cancelled():
                metrics.THOUGHTS_REPEATED.labels("joined").inc()
                return
        ended = self._in_flight[thinking.effect_id] = asyncio.get_running_loop().create_future()
        try:
            await thinking.run()
            ended.set_result(None)
        finally:
            ended.cancel()
            del self._in_flight[thinking.effect_id]
