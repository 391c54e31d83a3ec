"""One attempt to send one reply, from the wait for its turn to the report in the log."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, assert_never

from providers.failures import SendFailure
from providers.protocol import Outgoing
from providers.rates import rates_of
from providers.sending import Channel, Mailing
from schemas import codec, identity
from schemas.content import SendOutcome
from schemas.envelope import Recorded
from schemas.inputs import SendReported
from schemas.work import Order, SendMessage
from streams import outcomes
from streams.agents import metrics
from streams.agents.lines import Lines
from streams.agents.telling import Telling
from streams.outcomes import Ended
from streams.patience import until_available
from streams.ports import (
    UNLIMITED,
    Access,
    AccountDirectory,
    Claimed,
    Clock,
    Finished,
    HttpClient,
    Leaving,
    Ledger,
    Limiter,
    MailClient,
    Reach,
    ResultLog,
    Unavailable,
    Unfinished,
    pass_by,
)
from streams.window import Left

logger = logging.getLogger(__name__)

SOURCE: Final = "/chatfold/agent/delivery"
FRESH_SECONDS: Final = 1.0
STALE_SECONDS: Final = 5.0
"""After a claim this old we were frozen; others may have reported the send as unknown by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the delivery agent needs; `inbox` is the topic of its reports."""

    channels: Mapping[str, Channel]
    accounts: AccountDirectory
    ledger: Ledger
    http: HttpClient
    mail: MailClient
    log: ResultLog
    inbox: str
    now: Clock
    reach: Reach = pass_by
    limiter: Limiter = UNLIMITED


def telling(world: World) -> Telling:
    """How the agent reports."""
    return Telling(log=world.log, inbox=world.inbox, source=SOURCE, now=world.now)


@dataclass(frozen=True, slots=True)
class Sending:
    """One attempt to send one reply."""

    world: World
    lines: Lines
    order: Recorded[Order]
    message: SendMessage
    effect_id: str
    leaving: Leaving
    place: ExitStack = field(default_factory=ExitStack)
    """Given back when the provider has answered: no place waits for the ledger and the log."""

    async def run(self) -> None:
        """Return when the report is in the log; raises `Left`."""
        asked_at = asyncio.get_running_loop().time()
        access = await until_available(self._access, self.leaving)
        if access is None:
            await self._deal(None, None)
            return
        line, message = self.lines.of(self.order.tenant, access), self.message
        rates = rates_of(message.provider, message.to, access.account.limits)
        refused = await line.enter(self.order.chat_id, rates, access, self.leaving)
        if refused is not None:
            await self._deal(access, refused)
            return
        with self.place:
            self.place.callback(line.leave)
            await self._deal(await self._fresh(access, asked_at), None)

    async def _fresh(self, access: Access, asked_at: float) -> Access | None:
        """The account as it is now, if we asked a while ago: it may have a new token."""
        if asyncio.get_running_loop().time() - asked_at < FRESH_SECONDS:
            return access
        return await until_available(self._access, self.leaving)

    async def _deal(self, access: Access | None, refused: SendFailure | None) -> None:
        """Send, unless it is `refused`, or it happened before; and tell.

        What is refused goes through the ledger too: the order can come again when it would not
        be refused any more, and by then another attempt may be under way.
        """
        self.world.reach("delivery.before_claim")
        ledger = self.world.ledger
        claim = await until_available(lambda: ledger.claim(self.effect_id), self.leaving)
        match claim:
            case Claimed():
                report = await self._act(claim, access, refused)
            case Finished():
                metrics.REPEATS.labels("finished").inc()
                report = codec.decode(SendReported, claim.result)
            case Unfinished():
                report = await self._give_up()
            case _:
                assert_never(claim)
        await self._tell(report)

    async def _act(
        self, claim: Claimed, access: Access | None, refused: SendFailure | None
    ) -> SendReported:
        """Call the provider, unless the claim is no longer ours."""
        self.world.reach("delivery.after_claim")
        if not await self._still_ours(claim):
            return await self._give_up()
        report = await self._call(access, refused)
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

    async def _call(self, access: Access | None, refused: SendFailure | None) -> SendReported:
        started_at = self.world.now()
        ended = refused or await self._send(access)
        self.place.close()
        if access is not None and refused is None:
            self.lines.of(self.order.tenant, access).ended(ended, access)
        return outcomes.reported(
            self.message,
            ended,
            started_at=started_at,
            finished_at=self.world.now(),
            secrets=access.credentials.values() if access else (),
        )

    async def _send(self, access: Access | None) -> Ended:
        message = self.message
        channel = self.world.channels.get(message.provider)
        if channel is None or access is None:
            return outcomes.not_configured(
                f"Nobody has configured {message.provider} account {message.account}."
            )
        missing = set(access.missing) | set(channel.required_credentials) - set(access.credentials)
        if missing:
            return outcomes.not_configured(f"The account lacks {', '.join(sorted(missing))}.")
        return await self._exchange(channel, access)

    async def _exchange(self, channel: Channel, access: Access) -> Ended:
        began = perf_counter()
        outgoing = Outgoing(
            account=self.message.account,
            to=self.message.to,
            content=self.message.content,
            reply_to=self.message.reply_to,
            reference=f"{self.effect_id}:{self.order.chat_id}",
        )
        try:
            sending = channel.send(outgoing, access.credentials, access.account.base_url)
            match sending:
                case SendFailure():
                    return sending
                case Mailing():
                    return await self.world.mail.post(sending)
                case _:
                    return await self.world.http.drive(sending)
        except Exception:  # a bug in the channel's module; the request may have left
            logger.exception("the exchange of send %s broke", self.effect_id)
            return outcomes.BROKEN
        finally:
            metrics.SEND_SECONDS.labels(channel.name).observe(perf_counter() - began)

    async def _tell(self, report: SendReported) -> None:
        """Append the report; the same report has the same id and the same bytes."""
        world = self.world
        own_id = identity.report_id(reply_id=report.reply_id, attempt=report.attempt)
        world.reach("delivery.before_report")
        await telling(world).tell(self.order, own_id, report, self.leaving)
        world.reach("delivery.after_report")

    def _count(self, report: SendReported) -> None:
        provider = self.message.provider
        known = provider if provider in self.world.channels else "unknown"
        metrics.SENDS.labels(known, report.outcome, report.error_code or "").inc()
        if report.attempt > 1:
            metrics.RETRIES.labels(known, report.outcome).inc()
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
