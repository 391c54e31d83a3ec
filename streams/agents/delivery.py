"""The delivery agent: sends each reply at most once per attempt, and reports how that ended.

The ledger has the claim before the provider is called, so that nobody calls again after a
crash; and how it ended before the report goes to `inbox`, so that the report is the same
however often it is made.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Final, assert_never

from providers.protocol import Outgoing, Provider
from schemas import codec, envelope, identity
from schemas.content import SendOutcome
from schemas.envelope import Recorded
from schemas.inputs import SendReported
from schemas.topics import Groups, Topics
from schemas.work import Order, SendMessage
from streams import outcomes
from streams.agents import metrics
from streams.apps import Consumption
from streams.outcomes import Ended
from streams.patience import until_available
from streams.ports import (
    Access,
    AccountDirectory,
    Claimed,
    Clock,
    Finished,
    HttpClient,
    Leaving,
    Ledger,
    Reach,
    ResultLog,
    Unavailable,
    Unfinished,
    pass_by,
)
from streams.roles import AgentRole
from streams.window import Left

logger = logging.getLogger(__name__)

SOURCE: Final = "/chatfold/agent/delivery"
APPEND_SECONDS: Final = 5.0
STALE_SECONDS: Final = 5.0
"""After a claim this old we were frozen; others may have reported the send as unknown by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the delivery agent needs; `inbox` is the topic of its reports."""

    providers: Mapping[str, Provider]
    accounts: AccountDirectory
    ledger: Ledger
    http: HttpClient
    log: ResultLog
    inbox: str
    now: Clock
    reach: Reach = pass_by


def build(
    world: World,
    *,
    bootstrap: str,
    topics: Topics,
    groups: Groups,
    instance: str | None = None,
) -> AgentRole:
    """The role that sends replies, as the group's member `instance`."""
    consumption = Consumption(
        name="delivery",
        bootstrap=bootstrap,
        topic=topics.work_delivery,
        group=groups.delivery,
        dead_letters=topics.dead_letters,
        instance=instance,
    )
    agent = Delivery(world).handle
    return AgentRole(taken=consumption, agent=agent, log=world.log, now=world.now)


class Delivery:
    """Handles the orders of `work.delivery`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._in_flight: dict[str, asyncio.Future[None]] = {}

    async def handle(self, order: Recorded[Order], leaving: Leaving) -> None:
        """Return when the report is in the log; raises `Left`."""
        message = order.data
        if not isinstance(message, SendMessage):
            raise TypeError(f"{message.type} is not for the delivery agent")
        effect_id = f"{message.reply_id}:{message.attempt}"
        while (earlier := self._in_flight.get(effect_id)) is not None:
            await asyncio.wait([earlier])
            if not earlier.cancelled():
                metrics.REPEATS.labels("joined").inc()
                return
        await self._alone(_Sending(self._world, order, message, effect_id, leaving))

    async def _alone(self, sending: "_Sending") -> None:
        """Send while others who want the same wait."""
        ended = self._in_flight[sending.effect_id] = asyncio.get_running_loop().create_future()
        try:
            await sending.run()
            ended.set_result(None)
        finally:
            ended.cancel()
            del self._in_flight[sending.effect_id]


@dataclass(frozen=True, slots=True)
class _Sending:
    """One attempt to send one reply."""

    world: World
    order: Recorded[Order]
    message: SendMessage
    effect_id: str
    leaving: Leaving

    async def run(self) -> None:
        access = await until_available(self._access, self.leaving)
        self.world.reach("delivery.before_claim")
        ledger = self.world.ledger
        claim = await until_available(lambda: ledger.claim(self.effect_id), self.leaving)
        match claim:
            case Claimed():
                report = await self._act(claim, access)
            case Finished():
                metrics.REPEATS.labels("finished").inc()
                report = codec.decode(SendReported, claim.result)
            case Unfinished():
                report = await self._give_up()
            case _:
                assert_never(claim)
        await self._tell(report)

    async def _act(self, claim: Claimed, access: Access | None) -> SendReported:
        """Call the provider, unless the claim is no longer ours."""
        self.world.reach("delivery.after_claim")
        if not await self._still_ours(claim):
            return await self._give_up()
        report = await self._call(access)
        self.world.reach("delivery.after_answer")
        self._count(report)
        try:
            noted = await self._note(report)
        except Left:  # the ledger is away and we must go: at least the log shall know
            return report
        if noted != report:
            logger.warning("send %s ended after it was reported as unknown", self.effect_id)
        return noted

    async def _still_ours(self, claim: Claimed) -> bool:
        if asyncio.get_running_loop().time() - claim.at < STALE_SECONDS:
            return True
        ledger = self.world.ledger
        try:
            return await until_available(lambda: ledger.holds(self.effect_id), self.leaving)
        except (Left, asyncio.CancelledError):
            with suppress(Unavailable):
                await ledger.release(self.effect_id)
            raise

    async def _give_up(self) -> SendReported:
        """Nobody knows whether the provider was called: it is not called again."""
        metrics.REPEATS.labels("unfinished").inc()
        now = self.world.now()
        report = outcomes.reported(
            self.message, outcomes.INTERRUPTED, started_at=now, finished_at=now
        )
        noted = await self._note(report)
        if noted == report:
            self._count(report)
        return noted

    async def _note(self, report: SendReported) -> SendReported:
        """Note how it ended; what was noted first, by whomever, is how it ended."""
        ledger, result = self.world.ledger, codec.dumps(report)
        held = await until_available(lambda: ledger.finish(self.effect_id, result), self.leaving)
        return codec.decode(SendReported, held)

    async def _access(self) -> Access | None:
        return await self.world.accounts.access(
            tenant=self.order.tenant,
            provider=self.message.provider,
            account=self.message.account,
        )

    async def _call(self, access: Access | None) -> SendReported:
        started_at = self.world.now()
        ended = await self._send(access)
        return outcomes.reported(
            self.message,
            ended,
            started_at=started_at,
            finished_at=self.world.now(),
            secrets=access.credentials.values() if access else (),
        )

    async def _send(self, access: Access | None) -> Ended:
        message = self.message
        provider = self.world.providers.get(message.provider)
        if provider is None or access is None:
            return outcomes.not_configured(
                f"Nobody has configured {message.provider} account {message.account}."
            )
        missing = set(access.missing) | set(provider.required_credentials) - set(access.credentials)
        if missing:
            return outcomes.not_configured(f"The account lacks {', '.join(sorted(missing))}.")
        return await self._exchange(provider, access)

    async def _exchange(self, provider: Provider, access: Access) -> Ended:
        began = perf_counter()
        outgoing = Outgoing(
            account=self.message.account,
            to=self.message.to,
            content=self.message.content,
            reply_to=self.message.reply_to,
            reference=self.effect_id,
        )
        try:
            return await self.world.http.drive(
                provider.send(outgoing, access.credentials, access.account.base_url)
            )
        except Exception:  # a bug in the provider's module; the request may have left
            logger.exception("the exchange of send %s broke", self.effect_id)
            return outcomes.BROKEN
        finally:
            metrics.SEND_SECONDS.labels(provider.name).observe(perf_counter() - began)

    async def _tell(self, report: SendReported) -> None:
        """Append the report; the same report has the same id and the same bytes."""
        order, world = self.order, self.world
        recorded = Recorded(
            id=identity.report_id(reply_id=report.reply_id, attempt=report.attempt),
            time=report.finished_at,
            source=SOURCE,
            tenant=order.tenant,
            chat_id=order.chat_id,
            causation_id=order.id,
            correlation_id=order.correlation_id,
            data=report,
            traceparent=order.traceparent,
        )
        record = envelope.encode(recorded)
        world.reach("delivery.before_report")
        await until_available(
            lambda: world.log.append(world.inbox, [record], APPEND_SECONDS), self.leaving
        )
        world.reach("delivery.after_report")

    def _count(self, report: SendReported) -> None:
        provider = self.message.provider
        known = provider if provider in self.world.providers else "unknown"
        metrics.SENDS.labels(known, report.outcome, report.error_code or "").inc()
        if report.outcome is SendOutcome.SENT:
            whole = report.finished_at - self.message.received_at
            metrics.END_TO_END.labels(known).observe(whole.total_seconds())
        logger.info(
            "send %s ended: %s %s",
            self.effect_id,
            report.outcome,
            report.error_code or "",
            extra={
                "event_id": self.order.id,
                "chat_id": self.order.chat_id,
                "caused_by": self.order.causation_id,
                "tenant": self.order.tenant,
                "http_status": report.http_status,
            },
        )
